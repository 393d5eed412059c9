#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "agent/auth/http_client.h"
#include "agent/auth/jwk_set.h"
#include "common/guarded.h"
#include "common/result.h"

namespace hubseal::agent::auth {

struct ProviderConfig {
  std::string issuer;
  std::string jwks_uri = {};           ///< empty: what the issuer's discovery document says
  bool with_logins = false;            ///< whether its other endpoints are needed
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
    std::string authorization_endpoint = {};
    std::string token_endpoint = {};
    std::string end_session_endpoint = {};  ///< empty: it has none
  };

  /// What discover() found last. Errors: internal, when it never has.
  Result<Document> document() const;
  /// Asks for the document, too: nothing in it may stay true for ever.
  Result<JwkSet> key_set() const;
  /// The token endpoint's answer to an authorization code. Errors: forbidden (not taken), internal.
  Result<std::string> exchange(const std::string& form, const Wiped* authorization) const;

  /// Ends what is asked at the moment, and refuses all that follows.
  void stop() const { client_.stop(); }

  const std::string& issuer() const { return config_.issuer; }

 private:
  Provider(ProviderConfig config, HttpClient client) : config_(std::move(config)), client_(std::move(client)) {}

  /// What names another issuer is refused.
  Result<Document> discover() const;

  ProviderConfig config_;
  HttpClient client_;
  std::shared_ptr<Guarded<std::optional<Document>>> known_ = std::make_shared<Guarded<std::optional<Document>>>();
};

}  // namespace hubseal::agent::auth
