#include "cli/ceremony/step_trace.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/session.h"
#include "common/key_types.h"
#include "common/x509/pem.h"
#include "common/x509/subject_alt_names.h"

namespace hubseal::cli {
namespace {

/// The members that the record must have, besides event and result.
Json traces_of(const CeremonyStep& step) {
  const Json& asked = step.fields;
  Json traces = Json::object();
  const auto copy = [&](const char* member, const char* as) {
    if (asked.contains(member)) traces[as] = asked[member];
  };
  if (step.operation == "create_key") {
    copy("label", "key");
    copy("type", "type");
    copy("use", "use");
    // Absent where it was not asked for, which null stands for.
    traces["state"] = text_of(asked, "state") == "pre_activation" ? Json("pre_activation") : Json();
    traces["backup"] = asked.contains("backup_required") ? Json("required") : Json();
  } else if (step.operation == "add_approver") {
    copy("name", "approver");
    copy("person", "person");
    copy("kind", "kind");
    traces["change"] = "add";
    if (const auto spki = x509::der_of_pem(text_of(asked, "public_key"), {"PUBLIC KEY"}))
      traces["key_id"] = to_hex(sha256(*spki));
  } else if (step.operation == "set_subject") {
    copy("subject", "subject");
    for (const char* member : {"organization", "country"})
      traces[member] = asked.contains(member) ? asked[member] : Json("");
  } else {
    for (const char* member : {"ca", "key", "profile", "evidence"}) copy(member, member);
    if (step.operation == "deactivate_key") traces["compromised"] = asked.contains("compromised");
  }
  return traces;
}

std::vector<std::string> texts_of(const Json& list) {
  std::vector<std::string> texts;
  if (!list.is_array()) return texts;
  for (const Json& item : list)
    if (item.is_string()) texts.push_back(item.get<std::string>());
  return texts;
}

bool holds(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

/// The daemon writes names in the form in which it compares them, and a CN that is a host name once more as such.
std::string names_differ(const Json& recorded, const CeremonyStep& step) {
  const Json& asked = member_of(step.fields, "names");
  auto cn = texts_of(member_of(asked, "cn"));
  if (cn.empty()) cn.push_back(step.about);
  for (std::string& name : cn)
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  for (const char* kind : {"cn", "dns", "ip"}) {
    const auto written = texts_of(member_of(recorded, kind));
    auto wanted = kind == std::string_view("cn") ? cn : std::vector<std::string>{};
    for (const std::string& name : texts_of(member_of(asked, kind))) {
      if (kind == std::string_view("cn")) break;
      const auto form = kind == std::string_view("dns") ? x509::canonical_dns(name) : x509::canonical_ip(name);
      wanted.push_back(form.value_or(name));
    }
    for (const std::string& name : wanted)
      if (!holds(written, name)) return fmt::format("lacks the name {}", name);
    for (const std::string& name : written)
      if (!holds(wanted, name) && !holds(cn, name)) return fmt::format("has the name {}", name);
  }
  return {};
}

}  // namespace

std::string differs(const Json& record, const CeremonyStep& step, const Asked& asked) {
  Json traces = {{"event", step.operation}, {"result", "ok"}};
  traces["uid"] = asked.uid;
  traces.update(traces_of(step));
  for (const auto& [member, wanted] : traces.items())
    if (member_of(record, member) != wanted)
      return fmt::format("{} is {}, not {}", member, text_of(record, member),
                         wanted.is_string() ? wanted.get<std::string>() : dump_json(wanted));
  if (step.operation == "set_subject") return names_differ(member_of(record, "names"), step);
  return {};
}

}  // namespace hubseal::cli
