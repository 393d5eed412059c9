#include "agent/auth/keycloak.h"

#include <chrono>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/auth/keycloak_answers.h"
#include "agent/auth/wiped.h"
#include "common/bytes.h"
#include "common/files.h"

namespace hubseal::agent::auth {
namespace {

// A provider that hangs shall not hold every thread, nor one participant all that others need.
constexpr int kMaxConversations = 4;
constexpr int kMaxProvisions = 2;
constexpr std::size_t kMaxAnswerBytes = 256 * 1024;
constexpr std::size_t kMaxSecretBytes = 1024;

/// No standard, implicit or password flow, and nowhere to be sent to: a program's login and nothing else.
Json new_client(const std::string& dfsp_id, const NewClients& like) {
  const auto mapper = [](std::string_view name, std::string_view kind, Json config) {
    config["access.token.claim"] = "true";
    config["id.token.claim"] = "false";
    return Json{
        {"name", name}, {"protocol", "openid-connect"}, {"protocolMapper", kind}, {"config", std::move(config)}};
  };
  return {{"clientId", dfsp_id},
          {"protocol", "openid-connect"},
          {"enabled", true},
          {"publicClient", false},
          {"serviceAccountsEnabled", true},
          {"standardFlowEnabled", false},
          {"implicitFlowEnabled", false},
          {"directAccessGrantsEnabled", false},
          {"redirectUris", Json::array()},
          {"attributes", {{"dfsp.id", dfsp_id}, {"purpose", "api-integration"}}},
          {"protocolMappers",
           Json::array({mapper("audience", "oidc-audience-mapper", {{"included.custom.audience", like.audience}}),
                        mapper("groups", "oidc-group-membership-mapper",
                               {{"claim.name", like.groups_claim}, {"full.path", "true"}})})}};
}

}  // namespace

/// Questions with one token of the agent's own login, which is thrown away with it. However many there are, they end
/// with the time limit of one: a Keycloak that is slow each time holds nobody up for a multiple of it.
class Keycloak::Conversation {
 public:
  /// In a place of the DFSP, for which it waits as long as for an answer.
  static Result<Conversation> begin(Keycloak& with, Places& places, const std::string& dfsp_id) {
    Conversation conversation(with, std::make_unique<Places::Place>(places, dfsp_id, with.config_.timeout));
    if (!conversation.place_->taken()) return fail(Code::rate_limited, "too many ask for credentials at the same time");
    conversation.until_ = std::chrono::steady_clock::now() + with.config_.timeout;
    conversation.token_ = std::make_unique<Wiped>(TRY(conversation.log_in()));
    return conversation;
  }

  /// Errors: internal: too little time is left for a question whose answer must not be lost.
  Result<> require_time() const {
    if (2 * (until_ - std::chrono::steady_clock::now()) >= with_.config_.timeout) return {};
    return fail(Code::internal,
                "Keycloak took more than half of timeout_seconds before it was asked for the new secret, which could "
                "come too late to be seen. The old one stays");
  }

  /// What the admin API says; its body may hold secrets.
  Result<keycloak::Answer> ask(const std::string& method, const std::string& path, const Json* body = nullptr) const {
    HttpClient::Call call{.method = method, .authorization = token_.get(), .until = until_};
    if (body) {
      call.body = dump_json(*body);
      call.media_type = "application/json";
    }
    auto reply = TRY(with_.http_.exchange(with_.config_.base_url + "/admin/realms/" + with_.config_.realm + path, call,
                                          kMaxAnswerBytes));
    return keycloak::Answer(method + " " + path, reply.status, std::move(reply.body));
  }

 private:
  Conversation(const Keycloak& with, std::unique_ptr<Places::Place> place) : with_(with), place_(std::move(place)) {}

  Result<Wiped> log_in() const {
    const Wiped login = basic_authorization(with_.config_.client_id, with_.secret_);
    const HttpClient::Call call{.method = "POST",
                                .body = "grant_type=client_credentials",
                                .media_type = "application/x-www-form-urlencoded",
                                .authorization = &login,
                                .until = until_};
    auto reply = TRY(with_.http_.exchange(
        with_.config_.base_url + "/realms/" + with_.config_.realm + "/protocol/openid-connect/token", call,
        kMaxAnswerBytes));
    keycloak::Answer answer("the agent's own login", reply.status, std::move(reply.body));
    return Wiped::joined({"Bearer ", TRY(answer.access_token()).text()});
  }

  const Keycloak& with_;
  std::unique_ptr<Places::Place> place_;
  std::unique_ptr<Wiped> token_;  ///< the header's value
  CallWatch::Time until_;         ///< of all questions together
};

Keycloak::Keycloak(KeycloakConfig config, HttpClient http, SecretBytes secret)
    : config_(std::move(config)),
      http_(std::move(http)),
      secret_(std::move(secret)),
      conversations_(kMaxConversations),
      provisions_(kMaxProvisions) {}

Result<std::unique_ptr<Keycloak>> Keycloak::make(const KeycloakConfig& config) {
  auto secret = TRY(read_secret_line(config.client_secret_file, kMaxSecretBytes));
  auto http = TRY(HttpClient::make(config.ca_file, config.timeout));
  return std::unique_ptr<Keycloak>(new Keycloak(config, std::move(http), std::move(secret)));
}

Result<std::optional<Credential>> Keycloak::find(const std::string& dfsp_id) {
  Conversation with = TRY(Conversation::begin(*this, conversations_, dfsp_id));
  const auto client = TRY(find_client(with, dfsp_id));
  if (!client) return std::nullopt;
  auto answer = TRY(with.ask("GET", "/clients/" + client->id + "/client-secret"));
  return Credential{dfsp_id, TRY(answer.secret()), client->secret_since};
}

Result<std::optional<Credential>> Keycloak::renew(const std::string& dfsp_id) {
  Conversation with = TRY(Conversation::begin(*this, conversations_, dfsp_id));
  const auto client = TRY(find_client(with, dfsp_id));
  if (!client) return std::nullopt;
  TRY(with.require_time());
  auto answer = TRY(with.ask("POST", "/clients/" + client->id + "/client-secret"));
  return Credential{dfsp_id, TRY(answer.secret()), std::nullopt};
}

Result<> Keycloak::provide(const Account& account) {
  if (!config_.new_clients) return {};
  Conversation with = TRY(Conversation::begin(*this, provisions_, account.dfsp_id));
  auto group = TRY(find_group(with, account.group));
  if (!group) group = TRY(make_group(with, account.group));
  auto client = TRY(find_client(with, account.dfsp_id));
  if (!client) client = TRY(make_client(with, account.dfsp_id));
  const std::string login = TRY(TRY(with.ask("GET", "/clients/" + client->id + "/service-account-user")).id());
  return TRY(with.ask("PUT", "/users/" + login + "/groups/" + *group)).done();
}

Result<std::optional<Keycloak::Client>> Keycloak::find_client(Conversation& with, const std::string& dfsp_id) const {
  auto answer = TRY(with.ask("GET", "/clients?clientId=" + percent_encoded(dfsp_id)));
  const auto found = TRY(answer.client(dfsp_id));
  if (!found) return std::nullopt;
  if (found->dfsp_id != dfsp_id)
    return fail(Code::conflict,
                fmt::format("the client {} at the identity provider does not say that it is this DFSP's; wanted the "
                            "attribute dfsp.id with the value {}",
                            dfsp_id, dfsp_id));
  return Client{found->id, found->secret_since};
}

/// Another agent may have been faster (409): what is there then counts.
Result<Keycloak::Client> Keycloak::make_client(Conversation& with, const std::string& dfsp_id) const {
  const Json client = new_client(dfsp_id, *config_.new_clients);
  TRY(TRY(with.ask("POST", "/clients", &client)).done_or_there());
  const auto made = TRY(find_client(with, dfsp_id));
  if (!made) return fail(Code::internal, "Keycloak made a client and does not know it");
  return *made;
}

Result<std::optional<std::string>> Keycloak::find_group(Conversation& with, const std::string& path) const {
  std::string escaped;
  for (const char c : path) escaped += c == '/' ? "/" : percent_encoded({&c, 1});
  auto answer = TRY(with.ask("GET", "/group-by-path/" + escaped));
  return answer.group("/" + path);
}

Result<std::string> Keycloak::make_group(Conversation& with, const std::string& path) const {
  const std::size_t slash = path.rfind('/');
  std::string place = "/groups";
  if (slash != std::string::npos) {
    const auto parent = TRY(find_group(with, path.substr(0, slash)));
    if (!parent) return fail(Code::internal, fmt::format("Keycloak has no group {}", path.substr(0, slash)));
    place += "/" + *parent + "/children";
  }
  const Json group = {{"name", path.substr(slash == std::string::npos ? 0 : slash + 1)}};
  TRY(TRY(with.ask("POST", place, &group)).done_or_there());
  const auto made = TRY(find_group(with, path));
  if (!made) return fail(Code::internal, "Keycloak made a group and does not know it");
  return *made;
}

}  // namespace hubseal::agent::auth
