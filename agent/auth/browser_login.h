#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "agent/auth/places.h"
#include "agent/auth/provider.h"
#include "agent/auth/token_verifier.h"
#include "common/secret_bytes.h"

namespace hubseal::agent::auth {

struct BrowserLoginConfig {
  std::string client_id;
  std::filesystem::path client_secret_file = {};  ///< empty: a public client, which PKCE alone protects
  std::string callback_url;                       ///< as it is registered at the provider; says our own origin, too
  std::chrono::seconds lifetime{3600};            ///< of a session
};

/// Logins of people by the authorization code flow with PKCE (RFC 6749, RFC 7636, OpenID Connect Core).
/// Nothing is kept of a login that has begun: everything it needs follows from a secret in a cookie of that browser, so
/// that nobody can fill a memory with logins, or end one that another browser began.
/// Threads: share it freely.
class BrowserLogin {
 public:
  /// `rules`: of the access tokens of the same provider.
  BrowserLogin(BrowserLoginConfig config, SecretBytes client_secret, const Provider& provider, TokenRules rules,
               JwksCache& keys, const Clock& clock);

  /// This server's own, "https://hub.example": what browsers know it by.
  const std::string& origin() const { return origin_; }
  /// The path of this server that `return_to` means; nothing where it would lead elsewhere.
  std::optional<std::string> own_path(std::string_view return_to) const;

  /// Where to send a browser that holds `secret`, a random_secret() of its own. Errors: internal: the provider is not
  /// known.
  Result<std::string> location(std::string_view secret) const;

  struct Callback {
    std::string code, state;
    std::string issuer = {};  ///< empty: not said
    std::string peer = {};    ///< address and port of the browser
  };
  /// Who has logged in. `Refusal::unavailable`: the provider cannot be asked at the moment.
  tl::expected<Identity, Refusal> finish(std::string_view secret, const Callback& callback);

  /// Where the provider ends its own session and sends the browser to `path` of this server; nothing where it cannot.
  std::optional<std::string> logout_location(const std::string& path) const;

 private:
  Result<std::string> exchange(const std::string& form) const;

  const BrowserLoginConfig config_;
  const SecretBytes client_secret_;
  const Provider& provider_;
  const TokenVerifier verifier_;
  const std::string origin_;
  Places exchanges_;
};

}  // namespace hubseal::agent::auth
