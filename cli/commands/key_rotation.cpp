// hubseal key rotate; hubseal key rotation list, advance, cancel: one key for JWS takes over from another.
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands/commands.h"
#include "cli/input_output.h"
#include "cli/table.h"
#include "cli/views.h"

namespace hubseal::cli {
namespace {

constexpr int kMaxHours = 8760;

struct Options {
  std::string line, label, type, algorithm, to;
  bool backup_required = false;
  std::optional<int> activate_hours, retire_hours, destroy_hours;
};

/// "activated at 2026-12-05T09:00:00Z", "activated: hubseal key rotation advance hub-jws"; "-" where all is done.
std::string next_words(const Json& rotation) {
  if (member_of(rotation, "next").is_null()) return "-";
  const std::string next = text_of(rotation, "next"), line = text_of(rotation, "line");
  if (text_of(rotation, "step") == "prepared" && text_of(rotation, "backup") == "required")
    return fmt::format("{}: first hubseal key confirm-backup {}", next, text_of(rotation, "key"));
  if (!member_of(rotation, "due_at").is_null()) return fmt::format("{} at {}", next, text_of(rotation, "due_at"));
  return fmt::format("{}: hubseal key rotation advance {}", next, line);
}

std::string what_signs(const Json& rotation) {
  const std::string step = text_of(rotation, "step");
  const bool before = step == "prepared" || step == "published" || step == "cancelled";
  return text_of(rotation, before ? "from" : "key");
}

ExitCode tell(const Session& session, const Json& rotation) {
  if (session.json)
    session.print_json(rotation);
  else
    print(render_pairs({{"line", text_of(rotation, "line")},
                        {"from", text_of(rotation, "from")},
                        {"to", text_of(rotation, "key")},
                        {"step", text_of(rotation, "step")},
                        {"since", text_of(rotation, "since")},
                        {"signs", what_signs(rotation)},
                        {"next", next_words(rotation)}}));
  return ExitCode::ok;
}

Result<ExitCode> rotate(const Session& session, const Options& options) {
  Json fields = {{"key", options.line}};
  for (const auto& [member, text] : {std::pair("label", &options.label), std::pair("type", &options.type),
                                     std::pair("algorithm", &options.algorithm)})
    if (!text->empty()) fields[member] = *text;
  for (const auto& [member, hours] :
       {std::pair("activate_hours", &options.activate_hours), std::pair("retire_hours", &options.retire_hours),
        std::pair("destroy_hours", &options.destroy_hours)})
    if (*hours) fields[member] = **hours;
  if (options.backup_required) fields["backup_required"] = true;
  print_progress(fmt::format("making the next key of {} in the token; this may take a minute...\n", options.line));
  return tell(session, TRY(session.call("rotate_jws_key", fields, Work::key_generation)));
}

Result<ExitCode> list(const Session& session, const Options&) {
  const Json answer = TRY(session.call("list_rotations", Json::object()));
  if (session.json) {
    session.print_json(answer);
    return ExitCode::ok;
  }
  Table table({"LINE", "FROM", "TO", "STEP", "SINCE", "SIGNS", "NEXT"});
  for (const Json& rotation : member_of(answer, "rotations"))
    table.row({text_of(rotation, "line"), text_of(rotation, "from"), text_of(rotation, "key"),
               text_of(rotation, "step"), text_of(rotation, "since"), what_signs(rotation), next_words(rotation)});
  print(table.empty() ? "no key was ever rotated\n" : table.render());
  return ExitCode::ok;
}

/// As hubseald tells lines: any key of one stands for it.
std::string line_of(const Json& rotations, const std::string& label) {
  for (const Json& rotation : rotations)
    if (text_of(rotation, "from") == label ||
        (text_of(rotation, "key") == label && text_of(rotation, "step") != "cancelled"))
      return text_of(rotation, "line");
  return label;
}

/// What people can do next, where it is one thing. The newest rotation's old key is not the only one that may be left
/// to destroy.
Result<std::string> next_step(const Session& session, const std::string& label) {
  const Json answer = TRY(session.call("list_rotations", Json::object()));
  const std::string line = line_of(member_of(answer, "rotations"), label);
  std::vector<std::string> steps;
  for (const Json& rotation : member_of(answer, "rotations")) {
    if (text_of(rotation, "line") == line && !member_of(rotation, "next").is_null() &&
        text_of(rotation, "next") != "withdrawn")
      steps.push_back(text_of(rotation, "next"));
  }
  if (steps.size() == 1) return steps.front();
  return fail(Code::conflict, steps.empty()
                                  ? fmt::format("no rotation of {} waits for people (hubseal key rotation list)", line)
                                  : fmt::format("{} rotations of {} wait; say which step is meant: --to {}",
                                                steps.size(), line, fmt::join(steps, " or --to ")));
}

Result<ExitCode> advance(const Session& session, const Options& options) {
  const std::string to = options.to.empty() ? TRY(next_step(session, options.line)) : options.to;
  return tell(session, TRY(session.call("advance_rotation", {{"key", options.line}, {"to", to}})));
}

Result<ExitCode> cancel(const Session& session, const Options& options) {
  return tell(session, TRY(session.call("cancel_rotation", {{"key", options.line}})));
}

void add_line(CLI::App* command, Options& options) {
  command->add_option("label", options.line, "The name that services ask for")->required()->type_name("LABEL");
}

void add_hours(CLI::App* command, const char* name, std::optional<int>& hours, const char* description) {
  command->add_option(name, hours, description)->check(CLI::Range(0, kMaxHours))->type_name("HOURS");
}

}  // namespace

void add_key_rotation(CLI::App& key, Session& session) {
  const auto begun = std::make_shared<Options>();
  CLI::App* rotating =
      command(key, "rotate", "Make the next key of the hub's JWS: services go on asking for the same name",
              "  hubseal key rotate hub-jws\n  hubseal key rotate hub-jws --activate-hours 48 --retire-hours 24\n");
  add_line(rotating, *begun);
  rotating->add_option("--label", begun->label, "Name of the next key; else the first one's with a number")
      ->type_name("LABEL");
  rotating->add_option("--type", begun->type, "Kind of key; else as before")->check(CLI::IsMember(key_type_words()));
  rotating->add_option("--algorithm", begun->algorithm, "With which it signs; else as before")
      ->check(CLI::IsMember(jws_algorithm_words()));
  rotating->add_flag("--backup-required", begun->backup_required,
                     "It is shown to nobody before its backup is confirmed");
  add_hours(
      rotating, "--activate-hours", begun->activate_hours,
      "From when both keys are shown until the next one signs; 0: by command. Else as policy says, as the others");
  add_hours(rotating, "--retire-hours", begun->retire_hours, "From then until the old one can sign no more");
  add_hours(rotating, "--destroy-hours", begun->destroy_hours, "From then until the old one is to be destroyed");
  on(rotating, session, begun, rotate);

  CLI::App* rotation = command(key, "rotation", "Rotations of the hub's keys for JWS: list, advance, cancel",
                               "  hubseal key rotation list\n  hubseal key rotation advance hub-jws\n");
  rotation->require_subcommand(1);
  on(command(*rotation, "list", "All rotations, and what comes next", "  hubseal key rotation list\n"), session,
     std::make_shared<Options>(), list);
  const auto next = std::make_shared<Options>();
  CLI::App* advancing = command(*rotation, "advance", "Go one step on, now",
                                "  hubseal key rotation advance hub-jws\n"
                                "  hubseal key rotation advance hub-jws --to activated\n");
  add_line(advancing, *next);
  advancing->add_option("--to", next->to, "The step that is meant; else the one that is next")
      ->check(CLI::IsMember({"published", "activated", "retired", "ended"}));
  on(advancing, session, next, advance);
  const auto back = std::make_shared<Options>();
  CLI::App* cancelling =
      command(*rotation, "cancel", "Take a rotation back, before its key signs: that key is destroyed",
              "  hubseal key rotation cancel hub-jws\n");
  add_line(cancelling, *back);
  on(cancelling, session, back, cancel);
}

}  // namespace hubseal::cli
