#include "cli/ceremony/step_trace.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "cli/session.h"
#include "common/key_types.h"
#include "common/x509/chain.h"
#include "common/x509/pem.h"
#include "common/x509/subject_alt_names.h"

namespace hubseal::cli {
namespace {

std::vector<std::string> texts_of(const Json& list) {
  std::vector<std::string> texts;
  if (!list.is_array()) return texts;
  for (const Json& item : list)
    if (item.is_string()) texts.push_back(item.get<std::string>());
  return texts;
}

/// Members that the record has as they were asked; null where they were not.
Json copied(const Json& asked, std::initializer_list<std::pair<const char*, const char*>> members) {
  Json traces = Json::object();
  for (const auto& [member, as] : members) traces[as] = member_of(asked, member);
  return traces;
}

Json trace_create_key(const Json& asked) {
  Json traces = copied(asked, {{"label", "key"}, {"type", "type"}, {"use", "use"}});
  // Absent where it was not asked for.
  traces["state"] = text_of(asked, "state") == "pre_activation" ? Json("pre_activation") : Json();
  traces["backup"] = asked.contains("backup_required") ? Json("required") : Json();
  return traces;
}

Json trace_add_approver(const Json& asked) {
  Json traces = copied(asked, {{"name", "approver"},
                               {"person", "person"},
                               {"kind", "kind"},
                               {"uid", "approver_uid"},  // "uid" of a record is who asked
                               {"credential_id", "credential_id"},
                               {"rp_id", "rp_id"},
                               {"origin", "origin"}});
  traces["change"] = "add";
  const auto spki = x509::der_of_pem(text_of(asked, "public_key"), {"PUBLIC KEY"});
  traces["key_id"] = spki ? Json(to_hex(sha256(*spki))) : Json();
  return traces;
}

Json trace_set_subject(const Json& asked) {
  Json traces = copied(asked, {{"subject", "subject"}});
  for (const char* member : {"organization", "country"})
    traces[member] = asked.contains(member) ? asked[member] : Json("");
  return traces;
}

/// As the daemon writes the name of a request.
Json name_text(const Json& subject) {
  std::vector<x509::DistinguishedName::Entry> entries;
  for (const auto& [word, attribute] : x509::kAttributes)
    if (subject.contains(word)) entries.emplace_back(attribute, text_of(subject, word));
  const auto name = x509::DistinguishedName::of(std::move(entries));
  return name ? Json(name->text()) : Json();
}

Json trace_create_ca(const Json& asked) {
  Json traces = copied(asked, {{"ca", "ca"}, {"key", "key"}, {"profile", "profile"}});
  traces["distinguished_name"] = name_text(asked["subject"]);
  return traces;
}

/// PEM certificates as the record has them; null where there are none.
Json hash_of(const Result<x509::Certificate>& certificate) {
  return certificate ? Json(to_hex(sha256(certificate->der()))) : Json();
}

Json hash_of_chain(const Json& asked) {
  // A self-signed root is its own chain.
  const auto chain = x509::parse_chain(text_of(asked, asked.contains("chain") ? "chain" : "certificate"));
  return chain ? Json(to_hex(sha256(as_bytes(x509::chain_pem(*chain))))) : Json();
}

Json trace_install_ca(const Json& asked) {
  Json traces = copied(asked, {{"ca", "ca"}});
  traces["certificate_sha256"] = hash_of(x509::Certificate::parse(text_of(asked, "certificate")));
  traces["chain_sha256"] = hash_of_chain(asked);
  return traces;
}

Json trace_import_ca(const Json& asked) {
  Json traces = trace_install_ca(asked);
  traces.update(copied(asked, {{"key", "key"}, {"profile", "profile"}, {"no_crl", "no_crl"}}));
  const auto crl = x509::der_of_pem(text_of(asked, "crl"), {"X509 CRL"}, std::string::npos);
  traces["crl_sha256"] = crl ? Json(to_hex(sha256(*crl))) : Json();
  return traces;
}

Json trace_cross_certify(const Json& asked) { return copied(asked, {{"ca", "subject"}, {"by", "ca"}}); }

Json trace_retire_ca(const Json& asked) {
  return copied(asked, {{"ca", "ca"}, {"successor", "successor"}, {"last", "last"}});
}

Json trace_create_csr(const Json& asked) {
  Json traces = copied(asked, {{"label", "key"}, {"type", "type"}});
  traces["distinguished_name"] = name_text(asked["subject"]);
  const auto names = x509::SubjectAltNames::of(texts_of(member_of(asked, "dns")), texts_of(member_of(asked, "ip")));
  if (!names) return traces;
  traces["dns"] = names->dns();
  traces["ip"] = names->ip();
  return traces;
}

Json trace_confirm_backup(const Json& asked) { return copied(asked, {{"key", "key"}, {"evidence", "evidence"}}); }

Json trace_activate_key(const Json& asked) { return copied(asked, {{"key", "key"}}); }

Json trace_deactivate_key(const Json& asked) {
  return {{"key", asked["key"]}, {"compromised", asked.contains("compromised")}};
}

Json trace_load_policy(const Json& asked) { return copied(asked, {{"sha256", "sha256"}}); }

struct Trace {
  std::string_view operation;
  Json (*of)(const Json& asked);
};

constexpr std::array kTraces = {
    Trace{"create_key", &trace_create_key},         Trace{"create_csr", &trace_create_csr},
    Trace{"confirm_backup", &trace_confirm_backup}, Trace{"activate_key", &trace_activate_key},
    Trace{"deactivate_key", &trace_deactivate_key}, Trace{"create_ca", &trace_create_ca},
    Trace{"install_ca", &trace_install_ca},         Trace{"import_ca", &trace_import_ca},
    Trace{"cross_certify", &trace_cross_certify},   Trace{"retire_ca", &trace_retire_ca},
    Trace{"add_approver", &trace_add_approver},     Trace{"set_subject", &trace_set_subject},
    Trace{"load_policy", &trace_load_policy},
};

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
  const auto trace =
      std::find_if(kTraces.begin(), kTraces.end(), [&](const Trace& row) { return row.operation == step.operation; });
  if (trace == kTraces.end()) return fmt::format("nothing is known of what {} leaves in the log", step.operation);
  traces.update(trace->of(step.fields));
  for (const auto& [member, wanted] : traces.items())
    if (member_of(record, member) != wanted)
      return fmt::format("{} is {}, not {}", member, text_of(record, member), text_of(traces, member));
  if (step.operation == "set_subject") return names_differ(member_of(record, "names"), step);
  return {};
}

}  // namespace hubseal::cli
