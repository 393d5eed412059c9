#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "agent/auth/http_client.h"
#include "agent/auth/jwk_set.h"
#include "common/result.h"

namespace hubseal::agent::auth {

struct ProviderConfig {
  std::string issuer;
  std::string jwks_uri = {};           ///< empty: what the issuer's discovery document says
  std::filesystem::path ca_file = {};  ///< empty: the system's CAs
  std::chrono::seconds timeout{5};
};

/// The OpenID provider, as far as its documents say (OpenID Connect Discovery 1.0).
/// Threads: share it freely. Errors: internal, in words for the log.
class Provider {
 public:
  /// Errors: bad_request. Asks nobody yet.
  static Result<Provider> make(const ProviderConfig& config);

  struct Document {
    std::string jwks_uri;
  };

  /// Asked for anew each time: nothing in it may stay true for ever. What names another issuer is refused.
  Result<Document> discover() const;
  Result<JwkSet> key_set() const;

 private:
  Provider(ProviderConfig config, HttpClient client) : config_(std::move(config)), client_(std::move(client)) {}

  ProviderConfig config_;
  HttpClient client_;
};

}  // namespace hubseal::agent::auth
