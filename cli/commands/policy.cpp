// hubseal policy: what the hub's operators have decided, and how it comes into force.
#include <memory>
#include <optional>
#include <sstream>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/ceremony/ceremony.h"
#include "cli/commands/commands.h"
#include "cli/input_output.h"
#include "cli/pages.h"
#include "cli/table.h"
#include "common/wire/message.h"

namespace hubseal::cli {
namespace {

constexpr std::chrono::seconds kCheck{60};
constexpr std::size_t kShownOutput = 64 * 1024;

struct Options {
  std::optional<std::int64_t> version;
  std::string file;
  std::string folder;
  std::string hubseald;
  std::string sha256;
};

Result<ExitCode> load(const Session& session, const Options& options) {
  Json fields = Json::object();
  if (!options.sha256.empty()) {
    if (options.sha256.size() != 64 || options.sha256.find_first_not_of("0123456789abcdef") != std::string::npos)
      return fail(Code::bad_request,
                  fmt::format("--sha256 \"{}\"; wanted the whole hash, 64 hexadecimal digits in small "
                              "letters, as hubseal policy check prints it",
                              options.sha256));
    fields["sha256"] = options.sha256;
  }
  const Json loaded = TRY(session.call("load_policy", fields));
  if (session.json)
    session.print_json(loaded);
  else
    print(fmt::format("policy version {} ({}) {}\n", text_of(loaded, "version"), text_of(loaded, "sha256"),
                      member_of(loaded, "changed") == Json(true) ? "is in force" : "was in force already"));
  return ExitCode::ok;
}

std::string render_policy(const Json& policy) {
  const bool in_force = member_of(policy, "in_force") == Json(true);
  std::vector<std::pair<std::string, std::string>> pairs = {
      {"version", text_of(policy, "version") + (in_force ? ", in force" : "")},
      {"SHA-256", text_of(policy, "sha256")},
      {"since", text_of(policy, "loaded_at")},
      {"loaded by", fmt::format("{}, uid {}", text_of(policy, "peer"), text_of(policy, "uid"))}};
  if (!member_of(policy, "approval").is_null()) pairs.emplace_back("approval", text_of(policy, "approval"));
  for (const Json& name : member_of(policy, "differs"))
    pairs.emplace_back("differs", name.get<std::string>() + " in the files");
  if (!member_of(policy, "unreadable").is_null()) pairs.emplace_back("files now", text_of(policy, "unreadable"));
  Table files({"FILE", "SHA-256"});
  for (const Json& file : member_of(policy, "files")) files.row({text_of(file, "name"), text_of(file, "sha256")});
  return render_pairs(pairs) + "\n" + files.render();
}

Result<ExitCode> show(const Session& session, const Options& options) {
  Json fields = Json::object();
  if (options.version) fields["version"] = *options.version;
  const Json policy = TRY(session.call("get_policy", fields));
  if (session.json) {
    session.print_json(policy);
    return ExitCode::ok;
  }
  if (options.file.empty()) {
    print(render_policy(policy));
    return ExitCode::ok;
  }
  for (const Json& file : member_of(policy, "files"))
    if (text_of(file, "name") == options.file) {
      print(text_of(file, "text"));
      return ExitCode::ok;
    }
  return fail(Code::bad_request,
              fmt::format("policy version {} has no file \"{}\"", text_of(policy, "version"), options.file));
}

Result<ExitCode> history(const Session& session, const Options&) {
  const Json all = TRY(fetch_pages(session, "list_policies", "policies", Json::object())).items;
  if (session.json) {
    session.print_json({{"policies", all}});
    return ExitCode::ok;
  }
  Table table({"VERSION", "SINCE", "LOADED BY", "UID", "APPROVAL", "SHA-256"});
  for (const Json& policy : all)
    table.row({text_of(policy, "version"), text_of(policy, "loaded_at"), text_of(policy, "peer"),
               text_of(policy, "uid"), text_of(policy, "approval"), text_of(policy, "sha256")});
  print(table.render());
  return ExitCode::ok;
}

/// hubseald's reply stands on a line of its own, its log on others.
std::optional<Result<Json>> reply_in(const std::string& output) {
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with('{')) return wire::decode_reply(line, "check-policy");
  return std::nullopt;
}

/// hubseald knows what a policy is; it is asked as a program, so that no daemon need run.
Result<ExitCode> check(const Session& session, const Options& options) {
  CeremonyPlan plan;
  plan.hubseald = options.hubseald;
  Child child = TRY(Child::start({hubseald_path(plan), "--check-policy", options.folder, "--json"}));
  const auto status = child.wait(kCheck);
  if (!status)
    return fail(Code::internal, fmt::format("hubseald --check-policy is not done after {} s", kCheck.count()));
  const std::string output = child.output(kShownOutput);
  const auto reply = reply_in(output);
  if (!reply) return ended("hubseald --check-policy", *status, child.errors(kShownOutput));
  const Json verdict = TRY(Result<Json>(*reply));
  if (session.json)
    session.print_json(verdict);
  else
    print(fmt::format("policy is good: {} profiles, sha256 {}\n", text_of(verdict, "profiles"),
                      text_of(verdict, "sha256")));
  return ExitCode::ok;
}

}  // namespace

void add_policy(CLI::App& app, Session& session) {
  CLI::App* policy = command(app, "policy", "policy.toml and the profiles: check, load, show, history",
                             "  hubseal policy check /etc/hubseal\n  hubseal policy load\n");
  policy->require_subcommand(1);

  const auto loaded = std::make_shared<Options>();
  CLI::App* loading = command(*policy, "load", "Bring what the files of hubseald's configuration say into force",
                              "  hubseal policy load\n  hubseal policy load --sha256 "
                              "9b0d5f8e6c7a4b3d2e1f00112233445566778899aabbccddeeff001122334455\n");
  loading
      ->add_option(
          "--sha256", loaded->sha256,
          "Only if the files are the policy with this whole hash, as \"policy check\" and \"policy show\" have it")
      ->type_name("HEX");
  on(loading, session, loaded, load);

  const auto shown = std::make_shared<Options>();
  CLI::App* showing = command(*policy, "show", "A policy, and whether the files say something else by now",
                              "  hubseal policy show\n  hubseal policy show 3 --file profiles/jws.toml\n");
  showing->add_option("version", shown->version, "Its version [the one in force]")->type_name("N");
  showing->add_option("--file", shown->file, "The text of one of its files")->type_name("NAME");
  on(showing, session, shown, show);

  on(command(*policy, "history", "Every policy that was in force, oldest first", "  hubseal policy history\n"), session,
     std::make_shared<Options>(), history);

  const auto checked = std::make_shared<Options>();
  CLI::App* checking =
      command(*policy, "check", "Whether policy.toml and profiles/ of a folder are a policy; no daemon is asked",
              "  hubseal policy check /etc/hubseal\n"
              "  hubseal --json policy check /etc/hubseal | jq -r .sha256\n");
  checking->add_option("folder", checked->folder, "Folder with policy.toml and profiles/")
      ->required()
      ->type_name("FOLDER");
  checking
      ->add_option("--hubseald", checked->hubseald, "The daemon's program [beside this one, else /usr/sbin/hubseald]")
      ->type_name("FILE");
  on(checking, session, checked, check);
}

}  // namespace hubseal::cli
