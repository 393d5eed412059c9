#include "cli/conformance/gather.h"

#include <nlohmann/json.hpp>

#include "cli/pages.h"
#include "common/jose/jwk.h"
#include "common/x509/pem.h"
#include "common/x509/public_key.h"

namespace hubseal::cli::conformance {
namespace {

std::uint64_t number_of(const Json& value) { return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0; }

/// Empty where text_of() has its dash.
std::string optional_text(const Json& object, std::string_view member) {
  return member_of(object, member).is_null() ? std::string() : text_of(object, member);
}

Health read_health(const Json& said, const Json& version) {
  Health health;
  health.status = text_of(said, "status");
  for (const Json& problem : member_of(said, "problems")) health.problems.push_back(problem.get<std::string>());
  health.sealed = member_of(said, "sealed") == Json(true);
  const Json& token = member_of(said, "token");
  health.token_ready = member_of(token, "ready") == Json(true);
  health.token = text_of(token, "label");
  const Json& log = member_of(said, "audit");
  health.log_writable = member_of(log, "writable") == Json(true);
  health.records = number_of(member_of(log, "records"));
  const Json& policy = member_of(said, "policy");
  health.policy_version = text_of(policy, "version");
  health.policy_sha256 = text_of(policy, "sha256");
  health.policy_files = text_of(policy, "files");
  health.version = text_of(version, "version");
  health.openssl = text_of(version, "openssl");
  health.module = text_of(version, "module");
  return health;
}

/// The thumbprint that the key itself gives, beside the one that the daemon names.
Result<> add_thumbprints(const Session& session, Key& key) {
  const Json shown = TRY(session.call("get_public_key", {{"key", key.label}}));
  const Bytes spki = TRY(x509::der_of_pem(text_of(shown, "pem"), {"PUBLIC KEY"}));
  const PkeyPtr public_key = TRY(x509::public_key_from_spki(spki));
  key.thumbprint = jose::thumbprint(TRY(jose::to_jwk(public_key.get())));
  key.kid = text_of(member_of(shown, "jwk"), "kid");
  return {};
}

Result<std::vector<Key>> gather_keys(const Session& session) {
  const Json said = TRY(session.call("list_keys", Json::object()));
  std::vector<Key> keys;
  for (const Json& one : member_of(said, "keys")) {
    Key key;
    key.label = text_of(one, "label");
    key.type = text_of(one, "type");
    key.use = text_of(one, "use");
    key.state = text_of(one, "state");
    key.compromised = one.contains("compromised_at");
    key.grade = optional_text(one, "grade");
    key.backup = optional_text(one, "backup");
    if (key.use == "jws" && !key.grade.empty()) TRY(add_thumbprints(session, key));
    keys.push_back(std::move(key));
  }
  return keys;
}

Result<Policy> gather_policy(const Session& session) {
  return read_policy(TRY(session.call("get_policy", Json::object())));
}

Result<std::set<std::string>> gather_approvers(const Session& session) {
  const Json said = TRY(session.call("list_approvers", Json::object()));
  std::set<std::string> people;
  for (const Json& approver : member_of(said, "approvers")) people.insert(text_of(approver, "person"));
  return people;
}

}  // namespace

Result<Installation> gather(const Session& session) {
  Installation found;
  found.now = SystemClock().now();
  const Json health = TRY(session.call("health", Json::object()));
  found.health = read_health(health, TRY(session.call("version", Json::object())));
  found.keys = gather_keys(session);
  found.policy = gather_policy(session);
  found.certificates = gather_certificates(session, found.now);
  found.authorities = gather_authorities(session, member_of(health, "cas"), found.certificates, found.now);
  found.approvers = gather_approvers(session);
  found.log = gather_log(session);
  return found;
}

}  // namespace hubseal::cli::conformance
