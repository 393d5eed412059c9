#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/x509/distinguished_name.h"
#include "common/x509/subject_alt_names.h"
#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"
#include "daemon/register.h"

namespace hubseal::daemon::ops {
namespace {

using x509::Attribute;

constexpr std::size_t kMaxNames = 64;  // of each kind

struct SetSubject {
  SubjectRecord subject;
  std::vector<ca::ClaimedName> names;
};

Result<std::string> read_attribute(Fields& fields, Attribute attribute) {
  const auto value =
      TRY(fields.optional_text(x509::to_string(attribute), 4 * x509::max_characters(attribute)));  // bytes a character
  if (value) TRY(x509::check_attribute(attribute, *value));
  return value.value_or("");
}

/// The CNs with what else they claim, then DNS names and addresses; in the form in which names are compared.
Result<std::vector<ca::ClaimedName>> read_names(Fields fields, const std::string& id) {
  std::vector<ca::ClaimedName> names;
  const auto take = [&](ca::ClaimedName name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  };
  const std::size_t longest = 4 * x509::max_characters(Attribute::common_name);
  auto common_names = TRY(fields.text_list("cn", kMaxNames, longest));
  if (!fields.has("cn")) common_names = {id};
  for (const std::string& value : common_names) {
    TRY(x509::check_attribute(Attribute::common_name, value));
    for (ca::ClaimedName& name : ca::claims_of(value)) take(std::move(name));
  }
  for (const std::string& value : TRY(fields.text_list("dns", kMaxNames, 253)))
    take({ca::NameKind::dns, TRY(x509::canonical_dns(value))});
  for (const std::string& value : TRY(fields.text_list("ip", kMaxNames, 45)))
    take({ca::NameKind::ip, TRY(x509::canonical_ip(value))});
  TRY(fields.nothing_left());
  return names;
}

/// What would be replaced, so that consent to a change is not consent to undo a later one. Empty for a new participant.
Result<std::string> hash_of_present(Database& database, const std::string& id) {
  if (!TRY(subject_table::find(database, id))) return std::string();
  return to_hex(sha256(as_bytes(dump_json(TRY(full_view_of_subject(database, id))))));
}

Result<SetSubject> decode(Fields& fields, TimePoint now) {
  SetSubject request;
  request.subject.id = TRY(fields.name("subject", kMaxName));
  request.subject.organization = TRY(read_attribute(fields, Attribute::organization));
  request.subject.country = TRY(read_attribute(fields, Attribute::country));
  request.subject.created_at = now;
  request.names = TRY(read_names(TRY(fields.object("names")), request.subject.id));
  TRY(fields.nothing_left());
  return request;
}

}  // namespace

Result<Json> set_subject(Call& call, Fields fields) {
  const SetSubject request = TRY(decode(fields, call.services.clock.now()));
  const std::string& id = request.subject.id;
  call.details = {{"subject", id},
                  {"organization", request.subject.organization},
                  {"country", request.subject.country},
                  {"names", json_of(request.names)}};
  const std::string replaces =
      TRY(call.services.registry.read([&](Database& database) { return hash_of_present(database, id); }));
  Json content = call.details;
  content["replaces"] = replaces;
  const Grant grant = TRY(call.authorize({.operation = "set_subject", .about = id, .content = content}));
  TRY(call.record_intent("subject_intent"));
  return call.services.registry.write([&](Database& database) -> Result<Json> {
    if (grant.approval() && TRY(hash_of_present(database, id)) != replaces)
      return fail(Code::conflict, fmt::format("the entry of participant {} changed meanwhile; ask again", id));
    TRY(grant.use(database));
    TRY(Register::set(database, request.subject, request.names));
    return full_view_of_subject(database, id);
  });
}

}  // namespace hubseal::daemon::ops
