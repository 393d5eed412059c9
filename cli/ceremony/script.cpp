#include "cli/ceremony/script.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "cli/ceremony/step_decoders.h"
#include "cli/session.h"
#include "cli/table.h"
#include "common/fields.h"
#include "common/key_types.h"
#include "common/toml.h"
#include "common/x509/chain.h"

namespace hubseal::cli {
namespace {

constexpr std::size_t kMaxSteps = 200;
constexpr std::size_t kMaxWitnesses = 32;
constexpr std::size_t kMaxLine = 200;
constexpr std::size_t kMaxTextBytes = 256 * 1024;  // that of parse_toml's files

tl::unexpected<Error> refuse(std::size_t number, const CeremonyStep& step, const std::string& problem) {
  return fail(Code::bad_request, fmt::format("step {} ({}): {}", number, name_of(step), problem));
}

/// What a key still waits for before it signs, as far as the file says.
struct Gate {
  bool backup = false;
  bool activation = false;
};

/// Two steps that make the same thing, and a key that is used before its gate is open: the daemon would refuse them in
/// the middle of the ceremony.
Result<> check_order(const Script& script) {
  std::set<std::string> made, retired;
  std::map<std::string, Gate> gates;
  for (std::size_t i = 0; i < script.steps.size(); ++i) {
    const CeremonyStep& step = script.steps[i];
    for (const std::string& thing : made_by(step))
      if (!made.insert(thing).second) return refuse(i + 1, step, fmt::format("an earlier step makes the {}", thing));
    const std::string signer = step.operation == "cross_certify" ? text_of(step.fields, "by") : step.about;
    if ((step.operation == "cross_certify" || step.operation == "retire_ca") && retired.contains(signer))
      return refuse(i + 1, step, fmt::format("an earlier step retires CA {}", signer));
    if (step.operation == "retire_ca") retired.insert(step.about);
    if (step.operation == "create_key")
      gates[step.about] = {.backup = member_of(step.fields, "backup_required") == Json(true),
                           .activation = text_of(step.fields, "state") == "pre_activation"};
    if (step.operation == "confirm_backup") gates[step.about].backup = false;
    if (step.operation == "activate_key") gates[step.about].activation = false;
    if (step.operation != "create_ca") continue;
    const std::string key = text_of(step.fields, "key");
    if (gates[key].backup)
      return refuse(i + 1, step, fmt::format("key {} signs nothing before a step confirm_backup", key));
    if (gates[key].activation)
      return refuse(i + 1, step, fmt::format("key {} signs nothing before a step activate_key", key));
  }
  return {};
}

Result<std::vector<CeremonyStep>> read_steps(std::vector<Fields> tables) {
  if (tables.empty()) return fail(Code::bad_request, "there is no [[step]]");
  std::vector<CeremonyStep> steps;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    auto step = decode_step(tables[i]);
    if (!step) return fail(step.error().code, fmt::format("step {}: {}", i + 1, step.error().message));
    steps.push_back(*std::move(step));
  }
  return steps;
}

Result<Script> decode(Fields fields) {
  Script script;
  script.title = TRY(fields.text("title", kMaxLine));
  script.witnesses = TRY(fields.text_list("witnesses", kMaxWitnesses, kMaxLine));
  if (auto policy = TRY(fields.optional_text("policy_sha256", 64)))
    script.policy_sha256 = TRY(sha256_text(*std::move(policy), "policy_sha256"));
  script.steps = TRY(read_steps(TRY(fields.object_list("step", kMaxSteps))));
  TRY(fields.nothing_left());
  TRY(check_order(script));
  return script;
}

/// A value as people compare it: of certificates whose they are and their SHA-256.
std::vector<std::string> lines_of(const Json& value) {
  if (!value.is_string()) return {dump_json(value)};
  const auto chain = x509::parse_chain(value.get<std::string>());
  if (!chain) return {value.get<std::string>()};
  std::vector<std::string> lines;
  for (const x509::Certificate& certificate : *chain)
    lines.push_back(fmt::format("{}, SHA-256 {}", certificate.subject(), to_hex(sha256(certificate.der()))));
  return lines;
}

}  // namespace

Result<Script> read_script(std::string text, const std::string& name) {
  if (text.size() > kMaxTextBytes)
    return fail(Code::too_large, fmt::format("{} has over {} bytes", name, kMaxTextBytes));
  const Json toml = TRY(parse_toml(text, name));
  auto script = Fields::of(toml).and_then(decode);
  if (!script) return fail(script.error().code, fmt::format("{}: {}", name, script.error().message));
  script->sha256 = to_hex(sha256(as_bytes(text)));
  script->text = std::move(text);
  return script;
}

const CeremonyStep* maker_of(const Script& script, const std::string& key) {
  const auto found = std::find_if(script.steps.begin(), script.steps.end(), [&](const CeremonyStep& step) {
    return step.operation == "create_key" && step.about == key;
  });
  return found == script.steps.end() ? nullptr : &*found;
}

std::vector<std::string> made_by(const CeremonyStep& step) {
  const auto named = [&](const std::string& kind) { return fmt::format("{} {}", kind, step.about); };
  if (step.operation == "create_key" || step.operation == "create_csr") return {named("key")};
  if (step.operation == "create_ca") return {named("CA")};
  if (step.operation == "import_ca") return {named("CA"), "key " + text_of(step.fields, "key")};
  if (step.operation == "cross_certify") return {named("certificate by " + text_of(step.fields, "by") + " for")};
  if (step.operation == "add_approver") return {named("approver")};
  if (step.operation == "set_subject") return {named("participant")};
  return {};
}

std::string name_of(const CeremonyStep& step) {
  return step.about.empty() ? step.operation : step.operation + " " + step.about;
}

std::string render_fields(const Json& fields) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& [name, value] : fields.items())
    for (const std::string& line : lines_of(value)) pairs.emplace_back("     " + name, display_text(line));
  return pairs.empty() ? "" : render_pairs(pairs);
}

std::string render_script(const Script& script) {
  std::vector<std::pair<std::string, std::string>> header = {{"ceremony", display_text(script.title)}};
  for (const std::string& witness : script.witnesses) header.emplace_back("witness", display_text(witness));
  if (!script.policy_sha256.empty()) header.emplace_back("policy", script.policy_sha256);
  header.emplace_back("SHA-256", script.sha256);
  std::string text = render_pairs(header);
  for (std::size_t i = 0; i < script.steps.size(); ++i)
    text += fmt::format("{:3}. {}\n{}", i + 1, script.steps[i].operation, render_fields(script.steps[i].fields));
  return text;
}

}  // namespace hubseal::cli
