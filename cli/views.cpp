#include "cli/views.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/certificate_view.h"
#include "cli/input_output.h"
#include "cli/table.h"
#include "common/jose/jwk.h"
#include "common/key_types.h"

namespace hubseal::cli {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

void add_certificate_lines(Pairs& pairs, const std::string& pem) {
  const auto view = view_certificate(pem);
  if (!view) {
    pairs.emplace_back("certificate", view.error().message);
    return;
  }
  pairs.emplace_back("SHA-256", view->fingerprint);
  pairs.emplace_back("key id", view->key_id);
}

std::string_view gone_words(const Json& key) {
  return member_of(key, "may_be_gone") == Json(true) ? ", may be gone for good" : "";
}

}  // namespace

std::string render_key(const Json& key) {
  Pairs pairs = {
      {"label", text_of(key, "label")}, {"type", text_of(key, "type")},
      {"use", text_of(key, "use")},     {"state", fmt::format("{}{}", text_of(key, "state"), gone_words(key))},
      {"grade", text_of(key, "grade")}, {"created", text_of(key, "created_at")}};
  const std::pair<const char*, const char*> lines[] = {{"algorithm", "algorithm"},          {"since", "changed_at"},
                                                       {"to be destroyed", "destroy_at"},   {"backup", "backup"},
                                                       {"signs in its place", "successor"}, {"line", "line"}};
  for (const auto& [name, member] : lines)
    if (!member_of(key, member).is_null()) pairs.emplace_back(name, text_of(key, member));
  pairs.emplace_back("key id", text_of(key, "key_id"));
  return render_pairs(pairs);
}

namespace {

/// With what is still to come: "deactivated, will be destroyed at 2026-12-05T09:00:00Z", "active, backup required".
std::string state_words(const Json& key) {
  std::string words = fmt::format("{}{}", text_of(key, "state"), gone_words(key));
  if (!member_of(key, "destroy_at").is_null()) words += ", will be destroyed at " + text_of(key, "destroy_at");
  if (member_of(key, "backup") == Json("required")) words += ", backup required";
  if (!member_of(key, "successor").is_null())
    words += fmt::format(", {} signs in its place", text_of(key, "successor"));
  return words;
}

}  // namespace

std::string render_keys(const Json& keys) {
  Table table({"LABEL", "TYPE", "USE", "STATE", "GRADE", "CREATED", "KEY ID"});
  for (const Json& key : keys)
    table.row({text_of(key, "label"), text_of(key, "type"), text_of(key, "use"), state_words(key),
               text_of(key, "grade"), text_of(key, "created_at"), text_of(key, "key_id").substr(0, 16)});
  return table.empty() ? "no keys yet\n" : table.render();
}

std::string render_tls_keys(const Json& keys) {
  Table table({"LABEL", "TYPE", "GRADE", "CERTIFICATE", "KEY ID"});
  for (const Json& key : keys)
    table.row({text_of(key, "label"), text_of(key, "type"), text_of(key, "grade"),
               member_of(key, "certificate").is_string() ? "of this hub" : "-", text_of(key, "key_id").substr(0, 16)});
  return table.empty() ? "no TLS keys for this user\n" : table.render();
}

std::string render_ca(const Json& ca) {
  Pairs pairs = {{"CA", text_of(ca, "ca")},
                 {"state", text_of(ca, "state")},
                 {"key", text_of(ca, "key")},
                 {"profile", text_of(ca, "profile")}};
  if (member_of(ca, "certificate").is_string()) {
    pairs.emplace_back("subject", text_of(ca, "subject"));
    pairs.emplace_back("serial", text_of(ca, "serial"));
    pairs.emplace_back("valid", text_of(ca, "not_before") + " to " + text_of(ca, "not_after"));
    for (const auto& [name, member] : {std::pair("retired", "retired_at"), std::pair("successor", "successor")})
      if (!member_of(ca, member).is_null()) pairs.emplace_back(name, text_of(ca, member));
    add_certificate_lines(pairs, text_of(ca, "certificate"));
  }
  if (!member_of(ca, "grade").is_null()) pairs.emplace_back("grade", text_of(ca, "grade"));
  return render_pairs(pairs);
}

std::string render_certificate(const Json& certificate) {
  Pairs pairs;
  const std::pair<const char*, const char*> lines[] = {
      {"CA", "ca"},
      {"state", "state"},
      {"reason", "reason"},
      {"since", "revoked_at"},
      {"profile", "profile"},
      {"participant", "subject"},
      {"request", "request"},
      {"approval", "approval"},
      {"subject", "distinguished_name"},
      {"serial", "serial"},
  };
  for (const auto& [name, member] : lines)
    if (!member_of(certificate, member).is_null()) pairs.emplace_back(name, text_of(certificate, member));
  pairs.emplace_back("valid", text_of(certificate, "not_before") + " to " + text_of(certificate, "not_after"));
  add_certificate_lines(pairs, text_of(certificate, "certificate"));
  return render_pairs(pairs);
}

Result<> save(const Session& session, const std::string& name, const std::string& text, bool force) {
  const auto written = write_output(name, text, force);
  if (written) return {};
  if (!session.json) print(text);
  return fail(written.error().code, written.error().message + "; what belongs there is on standard output: keep it");
}

std::optional<std::string> artefact_in(const Json& answer, std::string_view member) {
  const Json& value = member_of(answer, member);
  if (!value.is_string()) return std::nullopt;
  return value.get<std::string>();
}

Result<> deliver(const Session& session, const Json& answer, const std::string& summary, const Artefact& artefact) {
  if (session.json) session.print_json(answer);
  if (session.json && artefact.out.empty()) return {};
  if (!artefact.text) {
    if (!session.json) print_note(summary);
    return fail(Code::not_found, "hubseald gave nothing to be written; what it says of it stands above");
  }
  if (!artefact.out.empty()) TRY(save(session, artefact.out, *artefact.text, artefact.force));
  if (session.json) return {};
  if (artefact.out.empty()) {
    print_note(summary);
    print(*artefact.text);
  } else {
    print(summary + fmt::format("written to {}\n", artefact.out));
  }
  return {};
}

std::vector<std::string> key_type_words() {
  std::vector<std::string> words;
  for (const auto& [word, type] : kKeyTypes) words.emplace_back(word);
  return words;
}

std::vector<std::string> jws_algorithm_words() {
  std::vector<std::string> words;
  for (const auto& [word, algorithm] : jose::kJwsAlgorithms) words.emplace_back(word);
  return words;
}

}  // namespace hubseal::cli
