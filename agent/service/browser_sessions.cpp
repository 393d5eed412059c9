#include "agent/service/browser_sessions.h"

#include <nlohmann/json.hpp>

#include "common/bytes.h"
#include "common/json.h"
#include "common/key_types.h"
#include "common/random.h"

namespace hubseal::agent {
namespace {

constexpr std::size_t kMaxIdBytes = 64;

std::string hash_of(std::string_view id) { return to_hex(sha256(as_bytes(id))); }

std::string to_text(const auth::Identity& identity) {
  Json roles = Json::array();
  for (const auth::Role role : identity.roles) roles.push_back(auth::to_string(role));
  return dump_json({{"name", identity.name},
                    {"email", identity.email},
                    {"roles", std::move(roles)},
                    {"dfspGroups", identity.dfsp_groups}});
}

auth::Identity from_session(const store::BrowserSession& session) {
  const Json json = Json::parse(session.identity_json);  // our own words; throws where they were tampered with
  auth::Identity identity;
  identity.subject = session.subject;
  identity.name = json.at("name").get<std::string>();
  identity.email = json.at("email").get<std::string>();
  identity.dfsp_groups = json.at("dfspGroups").get<std::vector<std::string>>();
  const auto roles = json.at("roles").get<std::set<std::string>>();
  for (const auth::Role role : {auth::Role::pta, auth::Role::mta, auth::Role::dfsp, auth::Role::everyone})
    if (roles.contains(std::string(auth::to_string(role)))) identity.roles.insert(role);
  return identity;
}

}  // namespace

Result<std::string> BrowserSessions::begin(const auth::Identity& identity) {
  const std::string id = TRY(random_secret());
  const TimePoint now = clock_.now();
  TRY(table_.add({hash_of(id), identity.subject, to_text(identity), now, now + lifetime_}));
  return id;
}

Result<std::optional<auth::Identity>> BrowserSessions::find(std::string_view id) {
  if (id.empty() || id.size() > kMaxIdBytes) return std::nullopt;
  const auto session = TRY(table_.find(hash_of(id), clock_.now()));
  return session ? std::optional(from_session(*session)) : std::nullopt;
}

Result<> BrowserSessions::end(std::string_view id) { return table_.remove(hash_of(id)); }

}  // namespace hubseal::agent
