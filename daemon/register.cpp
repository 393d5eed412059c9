#include "daemon/register.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/log.h"
#include "daemon/registry/ca_table.h"

namespace hubseal::daemon {
namespace {

using x509::Attribute;

Result<> must_be_active(const SubjectRecord& subject) {
  if (subject.status == SubjectStatus::active) return {};
  return fail(Code::policy_denied,
              fmt::format("participant {} is {}; wanted active", subject.id, to_string(subject.status)));
}

tl::unexpected<Error> not_known(const std::string& id) {
  return fail(Code::policy_denied,
              fmt::format("participant {} is not in the register; it is entered with set_subject", id));
}

tl::unexpected<Error> not_its_name(const std::string& id, const ca::ClaimedName& name) {
  return fail(Code::policy_denied, fmt::format("participant {}: {} {}, which is not registered", id,
                                               to_string(name.kind), log::printable(name.value, 80)));
}

/// O and C of a certificate against what the register says by now.
Result<> check_unchanged(const SubjectRecord& subject, const x509::DistinguishedName& certified) {
  const ca::Participant participant{.id = subject.id,
                                    .organization = subject.organization,
                                    .country = subject.country,
                                    .names = std::vector<ca::ClaimedName>()};
  if (const auto beyond = ca::beyond_register(participant, certified, {}))
    return fail(Code::policy_denied, fmt::format("participant {}: {}", subject.id, *beyond));
  return {};
}

tl::unexpected<Error> taken(std::string_view what, const std::string& id, std::string_view by) {
  return fail(Code::conflict, fmt::format("PKI-5: {} {} is {}", what, log::printable(id, 80), by));
}

/// An id is a name as well: certificates say it where a CSR says nothing, and people go by it. Those of the CAs are
/// the hub's own.
Result<> check_new_id(Database& database, const std::string& id) {
  if (const auto alike = TRY(subject_table::find_alike(database, id)))
    return taken("participant", id, fmt::format("participant {} but for upper and lower case", *alike));
  if (TRY(ca_table::has_alike(database, id))) return taken("participant", id, "the name of a CA of the hub");
  for (const ca::ClaimedName& name : ca::claims_of(id))
    if (TRY(name_table::owner(database, name))) return taken("participant", id, "a name of another participant");
  return {};
}

Result<> check_not_an_id(Database& database, const ca::ClaimedName& name, const std::string& subject) {
  const auto alike = TRY(subject_table::find_alike(database, name.value));
  if (alike && *alike != subject) return taken(to_string(name.kind), name.value, "the id of another participant");
  if (TRY(ca_table::has_alike(database, name.value)))
    return taken(to_string(name.kind), name.value, "the name of a CA of the hub");
  return {};
}

Result<> enter(Database& database, const std::string& id, const ca::Prepared& prepared, TimePoint now) {
  return Register::set(database,
                       {.id = id,
                        .organization = prepared.subject.get(Attribute::organization).value_or(""),
                        .country = prepared.subject.get(Attribute::country).value_or(""),
                        .created_at = now},
                       prepared.claims);
}

}  // namespace

Result<std::optional<Registered>> Register::find(const std::string& id) const {
  return registry_.read([&](Database& database) -> Result<std::optional<Registered>> {
    auto subject = TRY(subject_table::find(database, id));
    if (!subject) return std::nullopt;
    return Registered{*std::move(subject), TRY(name_table::list(database, id))};
  });
}

Result<ca::Participant> Register::limits(RegisterMode mode, const std::string& id,
                                         const std::optional<Registered>& registered, const ca::Issuer& issuer) {
  ca::Participant participant{.id = id, .organization = id, .country = {}, .names = std::nullopt};
  if (!registered) {
    if (mode == RegisterMode::closed) return not_known(id);
    participant.country = TRY(issuer.certificate().subject_name()).get(Attribute::country).value_or("");
    return participant;
  }
  TRY(must_be_active(registered->subject));
  participant.organization = registered->subject.organization;
  participant.country = registered->subject.country;
  participant.names.emplace();
  for (const NameRecord& entry : registered->names)
    if (entry.state != NameState::withdrawn) participant.names->push_back(entry.name);
  return participant;
}

Result<> Register::admit(Database& database, RegisterMode mode, const std::string& id, const ca::Prepared& prepared,
                         TimePoint now) {
  const auto subject = TRY(subject_table::find(database, id));
  if (!subject && mode == RegisterMode::closed) return not_known(id);
  if (subject) {
    TRY(must_be_active(*subject));
    TRY(check_unchanged(*subject, prepared.subject));
  } else {
    TRY(enter(database, id, prepared, now));
  }
  for (const ca::ClaimedName& name : prepared.claims)
    if (!TRY(name_table::certify(database, name, id))) return not_its_name(id, name);
  return {};
}

Result<> Register::set(Database& database, const SubjectRecord& subject, const std::vector<ca::ClaimedName>& names) {
  const auto present = TRY(subject_table::find(database, subject.id));
  if (!present) TRY(check_new_id(database, subject.id));
  // Its names are kept from others as they were: none becomes free because it is left out now.
  if (present && present->status == SubjectStatus::off_boarded)
    return fail(Code::conflict, fmt::format("participant {} is off_boarded; its entry stays as it is", subject.id));
  TRY(subject_table::set(database, subject));
  for (const NameRecord& known : TRY(name_table::list(database, subject.id)))
    if (std::find(names.begin(), names.end(), known.name) == names.end())
      TRY(name_table::withdraw(database, known.name, subject.id));
  for (const ca::ClaimedName& name : names) {
    TRY(check_not_an_id(database, name, subject.id));
    TRY(name_table::add(database, name, subject.id));
  }
  return {};
}

Result<> Register::check_ca_name(Database& database, const std::string& name) {
  if (TRY(subject_table::find_alike(database, name)))
    return fail(Code::conflict, fmt::format("\"{}\" is the id of a participant; wanted another name", name));
  for (const ca::ClaimedName& claim : ca::claims_of(name))
    if (TRY(name_table::owner(database, claim)))
      return fail(Code::conflict, fmt::format("\"{}\" is a name of a participant; wanted another name", name));
  return {};
}

Result<> Register::set_status(Database& database, const std::string& id, SubjectStatus status) {
  if (TRY(subject_table::set_status(database, id, status))) return {};
  return fail(Code::not_found, fmt::format("there is no participant \"{}\"", id));
}

Json json_of(const std::vector<ca::ClaimedName>& names) {
  Json json = {{"cn", Json::array()}, {"dns", Json::array()}, {"ip", Json::array()}};
  for (const ca::ClaimedName& name : names) json[std::string(to_string(name.kind))].push_back(name.value);
  return json;
}

}  // namespace hubseal::daemon
