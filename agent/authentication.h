#pragma once

#include <memory>
#include <optional>

#include "agent/auth/browser_login.h"
#include "agent/auth/jwks_cache.h"
#include "agent/auth/provider.h"
#include "agent/auth/token_verifier.h"
#include "agent/config.h"
#include "agent/http/gate.h"
#include "agent/http/handlers/handlers.h"
#include "agent/service/browser_sessions.h"
#include "agent/store/browser_session_table.h"

namespace hubseal::agent {

/// What knows callers by an OpenID provider, put together.
/// Owns: all of it.
class Authentication {
 public:
  /// What can fail, done before anything is put together.
  struct Ready {
    auth::Provider provider;
    SecretBytes client_secret;  ///< empty: there is none
  };
  /// Nothing for an agent that asks nobody who they are. Errors: bad_request, not_found: what is wrong with which file.
  static Result<std::optional<Ready>> prepare(const Config& config);

  /// Null for what prepare() found nothing for.
  static std::unique_ptr<Authentication> make(const Config& config, std::optional<Ready> ready,
                                              store::Database& database, const Clock& clock);

  /// Waits for the provider no longer: who needs its answer is told to come again.
  void stop() const { provider_.stop(); }

  http::Gate gate(Dfsps& dfsps);
  /// Null: people cannot log in with a browser.
  const http::BrowserAuth* browser_auth() const { return browser_ ? &browser_->auth : nullptr; }

 private:
  Authentication(const OidcConfig& config, Ready ready, store::Database& database, const Clock& clock);

  struct Browser {
    Browser(const auth::BrowserLoginConfig& config, SecretBytes secret, const Authentication& parts,
            const auth::TokenRules& rules, auth::JwksCache& keys, store::Database& database, const Clock& clock)
        : login(config, std::move(secret), parts.provider_, rules, keys, clock),
          table(database),
          sessions(table, clock, config.lifetime) {}

    auth::BrowserLogin login;
    store::BrowserSessionTable table;
    BrowserSessions sessions;
    http::BrowserAuth auth{login, sessions};
  };

  // Each needs the ones before it.
  const auth::Provider provider_;
  auth::JwksCache keys_;
  const auth::TokenVerifier verifier_;
  std::unique_ptr<Browser> browser_;
};

}  // namespace hubseal::agent
