#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "agent/auth/credentials.h"
#include "agent/auth/http_client.h"
#include "agent/auth/places.h"
#include "common/result.h"
#include "common/secret_bytes.h"

namespace hubseal::agent::auth {

/// What clients are made like where the agent makes them.
struct NewClients {
  std::string audience;      ///< that their tokens have
  std::string groups_claim;  ///< under which their tokens have groups
};

/// Section [keycloak].
struct KeycloakConfig {
  std::string base_url;  ///< without a slash at its end
  std::string realm;
  std::string client_id;  ///< of the agent's own login
  std::filesystem::path client_secret_file;
  std::filesystem::path ca_file = {};          ///< empty: the system's CAs
  std::chrono::seconds timeout{10};            ///< for all that is asked for one purpose
  std::optional<NewClients> new_clients = {};  ///< absent: somebody else makes them
};

/// A realm of Keycloak, over its admin REST API. The client of a DFSP has the DFSP's id for its name and in its
/// attribute dfsp.id; one without that attribute is somebody else's and stays untouched.
class Keycloak final : public CredentialKeeper {
 public:
  /// Errors: bad_request, not_found: what is wrong with which file. Asks nobody yet.
  static Result<std::unique_ptr<Keycloak>> make(const KeycloakConfig& config);

  Result<std::optional<Credential>> find(const std::string& dfsp_id) override;
  Result<std::optional<Credential>> renew(const std::string& dfsp_id) override;
  Result<> provide(const Account& account) override;
  void stop() override { http_.stop(); }

 private:
  class Conversation;
  struct Client {
    std::string id;  ///< Keycloak's own
    std::optional<TimePoint> secret_since;
  };

  Keycloak(KeycloakConfig config, HttpClient http, SecretBytes secret);

  Result<std::optional<Client>> find_client(Conversation& with, const std::string& dfsp_id) const;
  Result<Client> make_client(Conversation& with, const std::string& dfsp_id) const;
  Result<std::optional<std::string>> find_group(Conversation& with, const std::string& path) const;
  Result<std::string> make_group(Conversation& with, const std::string& path) const;

  const KeycloakConfig config_;
  const HttpClient http_;
  const SecretBytes secret_;
  Places conversations_;  ///< shared by participants
  Places provisions_;     ///< of their own, so that no participant keeps the hub's people from adding another
};

}  // namespace hubseal::agent::auth
