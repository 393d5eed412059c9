#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent::store {

class Database;

/// How it is known that a participant has the private half of its key.
constexpr std::string_view kUnproven = "unproven";    ///< it says so
constexpr std::string_view kProven = "proven";        ///< it has signed a challenge with it
constexpr std::string_view kCertified = "certified";  ///< a CA says so

/// The public key that a participant signs messages with. The text as it came; the JSON as it was computed.
struct JwsKey {
  std::string dfsp_id;
  std::string public_key;
  std::optional<std::string> created_at_json;  ///< the number that the client sent
  std::string validations_json;
  std::string validation_state;  ///< "VALID" or "INVALID"
  std::string possession = std::string(kUnproven);
  std::optional<std::string> certificate = {};         ///< PEM, as it came
  std::optional<std::string> intermediate_chain = {};  ///< likewise: what leads from it to the CA
  std::optional<std::string> override_by = {};  ///< who has put it in another's place without that one's signature
  std::optional<std::string> override_reason = {};

  bool operator==(const JwsKey&) const = default;
};

/// Keys that one proxy, or the hub's own people, brought of participants of other schemes.
constexpr int kMaxExternalKeys = 1000;

/// Challenges of one participant that wait for an answer; the next one takes the place of the oldest.
constexpr int kMaxChallenges = 8;

/// Threads: share it freely. Errors: storage_unavailable.
class JwsKeyTable {
 public:
  explicit JwsKeyTable(Database& database) : database_(database) {}

  Result<std::optional<JwsKey>> find(std::string_view dfsp_id);
  /// The keys that are VALID: of participants, then of those of other schemes, each by name.
  Result<std::vector<JwsKey>> list();
  /// A participant's key, in place of any that is known under its name.
  Result<> put(const JwsKey& key, TimePoint now);
  /// The same, if the key that is there is still `before`, and `nonce` a challenge of this participant, which is used
  /// up. Errors: conflict: another key was stored meanwhile; policy_denied: no such challenge, or it has expired.
  Result<> replace(const std::optional<JwsKey>& before, const JwsKey& key, const std::optional<std::string>& nonce,
                   TimePoint now);
  Result<> remove(std::string_view dfsp_id);
  Result<> add_challenge(const std::string& dfsp_id, const std::string& nonce, TimePoint now, TimePoint expires_at);

  /// Keys of participants of other schemes, brought by `source` (nothing: by the hub's own people), all or none of
  /// them. Returns those that are stored now. Left out are names of participants, in whatever letter case, and names
  /// that somebody else brought, over which only the hub's own people have a say. Errors: conflict when `source` has
  /// brought as many as may be.
  Result<std::vector<JwsKey>> put_external(const std::vector<JwsKey>& keys, const std::optional<std::string>& source,
                                           TimePoint now);

 private:
  Database& database_;
};

}  // namespace hubseal::agent::store
