#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/service/jws_keys.h"
#include "common/guarded.h"
#include "common/json.h"
#include "common/result.h"

namespace hubseal::agent {

class SigningDaemon;

/// The keys that messages are verified with today, for the services of the hub: the VALID ones of all that the hub
/// knows, but of no participant that was suspended or off-boarded. Threads: share it freely.
class VerificationKeys {
 public:
  struct Key {
    std::string pem;  ///< SubjectPublicKeyInfo, as written here and not as it was sent
    std::string kid;  ///< RFC 7638
    Json jwk;         ///< with kid, use and alg
  };
  /// Of one participant, or of the hub. More than one while one key takes over from another.
  struct Owner {
    std::string id;
    std::vector<Key> keys;  ///< the newest last
  };

  VerificationKeys(JwsKeys& keys, SigningDaemon& daemon) : keys_(keys), daemon_(daemon) {}

  /// By id. Who was suspended is what hubseald said last, while it cannot be asked: nobody is suspended meanwhile.
  /// Errors: the daemon's, while that was never known; the database's.
  Result<std::vector<Owner>> all();
  /// Errors: not_found; as all().
  Result<Owner> of(std::string_view id);

 private:
  Result<std::set<std::string>> inactive();

  Result<Key> shown(const std::string& sent, std::map<std::string, Key>& kept);

  JwsKeys& keys_;
  SigningDaemon& daemon_;
  Guarded<std::map<std::string, Key>> shown_;  // by the text that was sent: of thousands, few change between two looks
  Guarded<std::optional<std::set<std::string>>> last_inactive_;
};

}  // namespace hubseal::agent
