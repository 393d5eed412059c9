#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent::store {

class Database;

/// What the hub's TLS servers show. PEM texts as they came; the JSON as it was computed.
struct HubServerCert {
  std::optional<std::string> key_label;  ///< in hubseald; absent where the key is not its own
  std::optional<std::string> asked;      ///< what was configured when it was made; absent where it was brought
  std::optional<std::string> root_certificate;
  std::vector<std::string> chain;  ///< from who signed it up to the root
  std::string server_certificate;
  std::string validations_json;
  std::string validation_state;  ///< "VALID" or "INVALID"

  bool operator==(const HubServerCert&) const = default;
};

/// The next one, which is not there yet.
struct WantedHubServerCert {
  std::string key_label;
  std::string asked;
  std::optional<std::string> csr = {};            ///< absent while the key is made
  std::optional<std::string> approval_json = {};  ///< what it waits for
};

/// The place of the next one, and the one that was given up for it: its certificate may have been issued.
struct ReservedHubServerCert {
  WantedHubServerCert place;
  std::optional<WantedHubServerCert> given_up = {};
};

/// What was there until something else was put into use, or nothing was any more.
struct EndedHubServerCerts {
  std::optional<HubServerCert> in_use = {};
  std::optional<WantedHubServerCert> wanted = {};
};

/// What is in use, and what was before it came.
struct CompletedHubServerCert {
  HubServerCert in_use;
  std::optional<HubServerCert> before = {};
};

/// Threads: share it freely. Errors: storage_unavailable.
class HubServerCertTable {
 public:
  explicit HubServerCertTable(Database& database) : database_(database) {}

  Result<std::optional<HubServerCert>> find();
  Result<std::optional<WantedHubServerCert>> wanted();

  /// The place of the next one: the one that is taken, if its CSR is there, it is for what is asked now and another is
  /// not wanted `anew`; otherwise a new one, in which a key is to be made. Nothing where another is in use than the one
  /// that was `seen`: somebody else was faster. A place that no CSR came to (the process ended, say) is free again
  /// after a while. Errors: conflict while a key is being made.
  Result<std::optional<ReservedHubServerCert>> reserve(const WantedHubServerCert& place,
                                                       const std::optional<HubServerCert>& seen, bool anew,
                                                       TimePoint now);
  Result<> store_csr(const WantedHubServerCert& place);
  /// Gives the place up.
  Result<> release(const WantedHubServerCert& place);
  Result<> note_approval(const WantedHubServerCert& place);

  /// Puts the one that was wanted into use, in place of the one before, and frees its place. `before` is nothing where
  /// somebody else has finished it. Errors: conflict: it is wanted no more, and none is in use.
  Result<CompletedHubServerCert> complete(const HubServerCert& certificate, TimePoint now);
  /// Puts one into use that was brought; nothing is wanted any more. Errors: conflict: its key is one of an outbound
  /// enrollment.
  Result<EndedHubServerCerts> put(const HubServerCert& certificate, TimePoint now);
  /// Neither is one in use then nor wanted. Errors: not_found: there was neither.
  Result<EndedHubServerCerts> remove();

 private:
  Database& database_;
};

}  // namespace hubseal::agent::store
