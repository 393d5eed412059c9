#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/auth/browser_login.h"
#include "agent/auth/jwks_cache.h"
#include "agent/auth/keycloak.h"
#include "agent/auth/provider.h"
#include "agent/auth/token_verifier.h"
#include "agent/http/server.h"
#include "agent/publish/publisher.h"
#include "agent/service/hub_server_certs.h"
#include "agent/service/jws_keys.h"
#include "agent/service/new_key.h"
#include "agent/store/location.h"
#include "common/result.h"

namespace hubseal::agent {

/// Where to ask whether participants answer, and how often.
struct WatchConfig {
  std::string ping_url;  ///< http
  std::chrono::seconds interval{120};
  std::chrono::seconds timeout{10};
  int parallel = 8;
};

/// Section [metrics].
struct MetricsConfig {
  http::ServerConfig server;
  std::vector<std::string> hosts;  ///< accepted in the Host header beside loopback names and the address
};

/// Section [publish].
struct PublishConfig {
  std::optional<publish::Target> bundles;                  ///< absent: nothing is published to gateways
  std::optional<std::filesystem::path> verification_keys;  ///< absent: keys are to be fetched
};

/// Section [auth] of mode "oidc": callers say who they are.
struct OidcConfig {
  auth::ProviderConfig provider;
  auth::TokenRules tokens;
  auth::JwksCache::Times keys;
  std::optional<auth::BrowserLoginConfig> browser;  ///< absent: people cannot log in with a browser
};

/// agent.toml, checked. config/agent.toml shows every key with its meaning and default.
struct Config {
  http::ServerConfig server;
  std::vector<std::string> hosts;  ///< accepted in the Host header beside loopback names
  std::chrono::seconds drain_timeout{20};
  std::string daemon_socket;
  std::chrono::seconds daemon_timeout{30};
  std::vector<std::string> client_cas;  ///< whose client certificates the listener takes, where it asks for them
  std::string ca;
  std::string client_profile;
  int csr_rsa_bits = 4096;
  std::optional<NewKey> client_key;        ///< what the hub's keys towards participants shall be
  std::optional<std::string> hub_id;       ///< the hub's, in messages and in hubseald's register; no participant's
  std::optional<std::string> hub_jws_key;  ///< hubseald's label of the key that signs the hub's messages
  JwsKeys::Accept jws_keys = JwsKeys::Accept::any;  ///< what participants must show of theirs
  std::optional<HubServerCerts::Wish> server_cert;  ///< what the hub's TLS servers shall show
  std::string server_roots;                         ///< PEM: of the CAs elsewhere that may have made it; may be empty
  store::Location database;
  std::optional<OidcConfig> oidc;                ///< absent: nobody has to say who they are
  std::optional<auth::KeycloakConfig> keycloak;  ///< absent: there are no credentials to be had
  std::optional<WatchConfig> watch;              ///< absent: nobody is asked
  PublishConfig publish;
  std::optional<MetricsConfig> metrics;  ///< absent: there are none to be read

  /// With its id behind it, the security group of a DFSP that is given none by hand.
  std::string dfsp_group_prefix() const { return (oidc ? oidc->tokens.groups : auth::GroupNames()).dfsp_prefix; }
};

/// Errors: not_found, bad_request naming the key, what was found and what was wanted. Refuses a
/// listener that the network can reach where nobody would have to say who they are, or what they send could be read.
Result<Config> load_config(const std::filesystem::path& path);

}  // namespace hubseal::agent
