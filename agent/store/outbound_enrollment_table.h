#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/store/page.h"
#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent::store {

class Database;

/// A key of the hub for its TLS client towards one DFSP, the CSR made with it, and what the DFSP made of that. The JSON
/// texts are stored as they were computed.
struct OutboundEnrollment {
  std::int64_t id = 0;
  std::string dfsp_id;
  std::string state;      ///< "CSR_LOADED" or "CERT_SIGNED"
  std::string key_label;  ///< the key's name in the daemon
  std::string csr;
  std::string csr_info_json;
  std::optional<std::string> certificate;  ///< the newest that the DFSP sent, good or bad
  std::optional<std::string> cert_info_json;
  std::optional<std::string> validations_json;
  std::optional<std::string> validation_state;
  std::optional<std::string> usable_certificate;  ///< the newest that was found good
};

/// With which the key_label of an enrollment begins whose key is in no HSM: a Connection Manager had it.
constexpr std::string_view kNotInHsm = "not-in-hsm-";

/// Of one DFSP: enrollments that wait for their certificate, those whose key is being made among them.
constexpr int kMaxOpenOutbound = 10;
/// What list() and usable() return of one DFSP.
constexpr int kMaxListedOutbound = 200;

/// Threads: share it freely. Errors: storage_unavailable.
class OutboundEnrollmentTable {
 public:
  /// The name of the key of the enrollment with this number.
  using KeyLabel = std::function<std::string(std::int64_t)>;

  explicit OutboundEnrollmentTable(Database& database) : database_(database) {}

  /// Takes a number and a place among those that wait, before the key is made. A place that no CSR came to (the process
  /// ended, say) is free again after a while. Errors: conflict when as many wait as may.
  Result<OutboundEnrollment> reserve(std::string_view dfsp_id, const KeyLabel& key_label, TimePoint now);
  /// Fills the place; from then on the enrollment can be seen.
  Result<> store_csr(const OutboundEnrollment& enrollment);
  /// Gives the place up.
  Result<> release(std::int64_t id);

  /// Adds it under a new number, or returns the one that there is for its key, whosever it is. `id` and `state` are set
  /// here. Errors: conflict when as many wait as may, or the key is the hub's server's.
  Result<OutboundEnrollment> add(OutboundEnrollment enrollment, TimePoint now);

  Result<std::optional<OutboundEnrollment>> find(std::string_view dfsp_id, std::int64_t id);
  /// All that wait and, up to the cap, the newest of the others, ordered by id as text (10 before 9).
  Result<std::vector<OutboundEnrollment>> list(std::string_view dfsp_id, std::optional<std::string_view> state,
                                               const Page& page);
  /// Those that have a usable certificate, the newest first.
  Result<std::vector<OutboundEnrollment>> usable(std::string_view dfsp_id);

  /// Stores certificate and verdicts; a good one becomes the usable one. A bad one leaves the usable one in place,
  /// unless it is that one which has become bad.
  Result<> store_certificate(const OutboundEnrollment& enrollment, bool good, TimePoint now);
  /// Stores verdicts on the certificate, if it is still this one.
  Result<> store_verdicts(const OutboundEnrollment& enrollment, bool good);

 private:
  Database& database_;
};

}  // namespace hubseal::agent::store
