#include "agent/auth/keycloak_answers.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/log.h"
#include "common/number.h"

namespace hubseal::agent::auth::keycloak {
namespace {

constexpr std::size_t kMaxIdBytes = 64;
constexpr std::size_t kMaxSecretBytes = 1024;
constexpr std::size_t kMaxTokenBytes = 16 * 1024;
// A client has long lists of what it may.
constexpr JsonLimits kLimits = {.max_depth = 16, .max_members = 1024, .max_values = 8192, .allow_fractions = true};

/// Stands in paths of further questions.
bool is_id(const std::string& text) {
  return !text.empty() && text.size() <= kMaxIdBytes &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) || c == '-'; });
}

/// The text of a member, in place; null where there is none.
std::string* text_of(Json& object, const char* member) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(member);
  return found == object.end() || !found->is_string() ? nullptr : &found->get_ref<std::string&>();
}

/// Seconds since 1970, as Keycloak writes them into an attribute.
std::optional<TimePoint> time_of(const std::string* text) {
  constexpr std::int64_t kYear9999 = 253402300799;
  const auto seconds = text ? parse_number<std::int64_t>(*text, 0, kYear9999) : std::nullopt;
  if (!seconds) return std::nullopt;
  return TimePoint(std::chrono::seconds(*seconds));
}

bool is_printable(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

Answer::~Answer() { wipe(body_); }

Answer::Answer(Answer&& other) noexcept
    : question_(other.question_), status_(other.status_), body_(std::move(other.body_)) {
  wipe(other.body_);
}

tl::unexpected<Error> Answer::refuse(std::string_view why) const {
  return fail(Code::internal, fmt::format("Keycloak, {}: {}", log::printable(question_, 200), why));
}

Result<> Answer::done() const {
  if (status_ / 100 == 2) return {};
  // No secret stands in a refusal.
  return refuse(fmt::format("answered {}: {}", status_, log::printable(body_, 200)));
}

Result<> Answer::done_or_there() const {
  constexpr int kConflict = 409;
  if (status_ == kConflict) return {};
  return done();
}

Result<Json> Answer::json() const {
  TRY(done());
  auto json = parse_json(body_, kLimits);
  if (!json) return refuse("the answer is not the JSON that was expected");
  return json;
}

Result<Wiped> Answer::access_token() {
  Json json = TRY(this->json());
  std::string* const token = text_of(json, "access_token");
  if (!token || token->empty() || token->size() > kMaxTokenBytes || !is_printable(*token))
    return refuse("there is no access_token in the answer");
  Wiped taken(std::move(*token));
  wipe(*token);  // where a short one stood
  return taken;
}

Result<std::optional<ClientFound>> Answer::client(const std::string& client_id) {
  Json list = TRY(json());
  if (!list.is_array() || list.size() > 1) return refuse("wanted a list of one client or none");
  if (list.empty()) return std::nullopt;
  Json& client = list.front();
  if (std::string* const secret = text_of(client, "secret")) wipe(*secret);
  const std::string* const name = text_of(client, "clientId");
  const std::string* const id = text_of(client, "id");
  if (!name || *name != client_id) return refuse("answered with another client");
  if (!id || !is_id(*id)) return refuse("the client has no id that can be used");
  ClientFound found{.id = *id, .dfsp_id = {}, .secret_since = {}};
  if (const auto attributes = client.find("attributes"); attributes != client.end()) {
    if (const std::string* const dfsp = text_of(*attributes, "dfsp.id")) found.dfsp_id = *dfsp;
    found.secret_since = time_of(text_of(*attributes, "client.secret.creation.time"));
  }
  return found;
}

Result<SecretBytes> Answer::secret() {
  Json json = TRY(this->json());
  std::string* const value = text_of(json, "value");
  if (!value || value->empty() || value->size() > kMaxSecretBytes || !is_printable(*value))
    return refuse("there is no secret in the answer");
  SecretBytes secret = SecretBytes::copy_of(*value);
  wipe(*value);
  return secret;
}

Result<std::optional<std::string>> Answer::group(const std::string& path) {
  constexpr int kNotFound = 404;
  if (status_ == kNotFound) return std::nullopt;
  Json json = TRY(this->json());
  const std::string* const found = text_of(json, "path");
  if (!found || *found != path) return refuse("answered with another group");
  return TRY(id());
}

Result<std::string> Answer::id() {
  Json json = TRY(this->json());
  const std::string* const id = text_of(json, "id");
  if (!id || !is_id(*id)) return refuse("there is no id in the answer that can be used");
  return *id;
}

}  // namespace hubseal::agent::auth::keycloak
