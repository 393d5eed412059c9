#include "cli/app.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/advice.h"
#include "cli/commands/commands.h"
#include "cli/input_output.h"
#include "cli/table.h"
#include "common/slips.h"
#include "common/version.h"

namespace hubseal::cli {
namespace {

constexpr char kFooter[] =
    "\nExit status: 0 done, 1 a bug, 2 wrong command line or input, 3 refused, 4 not ready (try again),\n"
    "5 waiting for approval.\n\n"
    "Examples:\n"
    "  hubseal init --subject \"CN=Example Hub Root CA,O=Example Hub,C=KE\"\n"
    "  hubseal status\n"
    "  hubseal cert issue --profile dfsp-client --participant bank1 --csr bank1.csr --out bank1.pem\n"
    "  hubseal --json key list | jq -r '.keys[].label'\n"
    "Each command explains itself: hubseal cert issue --help\n";

/// A daemon that hangs up without a word has no [[peer]] entry for this user: trying again would not help.
Error as_people_see_it(Error error) {
  if (was_turned_away(error)) error.code = Code::forbidden;
  return error;
}

/// One line of JSON where the answer would have been one: {"error":{"code","message","hint","approval"}}.
void print_json(const Error& error, const std::string& advice) {
  Json told = {{"code", to_string(error.code)}, {"message", error.message}};
  if (!advice.empty()) told["hint"] = advice;
  if (!error.approval.empty()) told["approval"] = error.approval;
  print_note(dump_json({{"error", told}}) + '\n');
}

ExitCode explain(const Session& session, Error found) {
  const Error error = as_people_see_it(std::move(found));
  const std::string advice = advice_for(error, *session.operation);
  if (session.json) {
    print_json(error, advice);
    return exit_code_of(error.code);
  }
  print_note(fmt::format("hubseal: {}: {}\n", to_string(error.code), display_text(error.message)));
  if (!advice.empty()) print_note(fmt::format("hubseal: {}\n", advice));
  return exit_code_of(error.code);
}

/// The subcommand that parsing came to.
const CLI::App& reached(const CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? app : reached(*parsed.back());
}

/// What could stand in the place of `word`: options of the command and those above it, or commands.
std::vector<std::string> known_beside(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  if (!word.starts_with('-')) {
    for (const CLI::App* one : app.get_subcommands([](const CLI::App*) { return true; }))
      names.push_back(one->get_name());
    return names;
  }
  for (const CLI::App* one = &app; one; one = one->get_parent())
    for (const CLI::Option* option : one->get_options([](const CLI::Option*) { return true; }))
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

Error not_known(const CLI::App& app, const std::string& word) {
  const std::string name = word.substr(0, word.find('='));
  const std::string meant = nearest_name(name, known_beside(reached(app), name));
  return {
      Code::bad_request,
      fmt::format("there is no \"{}\" here{}", name, meant.empty() ? "" : fmt::format("; did you mean \"{}\"?", meant)),
      {}};
}

/// CLI11 says "Could not convert: record = x", of numbers alone here.
Error not_a_number(std::string_view said) {
  const std::size_t colon = said.find(": ");
  if (colon != std::string_view::npos) said.remove_prefix(colon + 2);
  return {Code::bad_request, fmt::format("{}; wanted a whole number", said), {}};
}

/// Help and version are answers; everything else that ends parsing is the user's mistake.
ExitCode explain(const Session& session, const CLI::App& app, const CLI::ParseError& problem) {
  if (problem.get_exit_code() == 0) {
    app.exit(problem);
    return ExitCode::ok;
  }
  // CLI11 misses what is required before it looks at the word that stands in its place.
  const auto unknown = app.remaining(true);
  const auto option =
      std::find_if(unknown.begin(), unknown.end(), [](const auto& word) { return word.starts_with("--"); });
  const bool missing = problem.get_name() == "RequiredError";
  const bool extra = problem.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError);
  if (option != unknown.end() && (missing || extra)) return explain(session, not_known(app, *option));
  if (missing && !unknown.empty()) return explain(session, not_known(app, unknown.front()));
  if (problem.get_name() == "ConversionError") return explain(session, not_a_number(problem.what()));
  return explain(session, Error{Code::bad_request, problem.what()});
}

ExitCode act(const Session& session) {
  const Result<ExitCode> outcome = session.action();
  const Result<> printed = flush_output();
  if (!outcome || !printed) {
    const ExitCode told = explain(session, outcome ? printed.error() : outcome.error());
    return session.failed.value_or(told);
  }
  return *outcome;
}

}  // namespace

void build(CLI::App& app, Session& session) {
  app.name("hubseal");
  app.description("hubseal: the command line of the security team that keeps the hub's keys");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.fallthrough();  // global options may stand after the subcommand as well
  app.set_version_flag("--version", std::string("hubseal ") + kVersion);
  app.add_option("--socket", session.socket, "The daemon's socket")
      ->envname("HUBSEAL_SOCKET")
      ->capture_default_str()
      ->type_name("PATH")
      ->each([&session](const std::string&) { session.socket_given = true; });
  app.add_flag("--json", session.json,
               "Print the daemon's answer, or on standard error what is wrong, as one line of JSON");
  app.add_flag("--anew", session.anew,
               "Ask once more for what approvers have rejected: a new request, which needs all of them anew");
  app.add_option("--timeout", session.timeout_seconds, "Seconds to wait for an answer (making a key may take longer)")
      ->capture_default_str()
      ->check(CLI::Range(1, 3600))
      ->type_name("SECONDS");

  add_init(app, session);
  add_ceremony(app, session);
  add_status(app, session);
  add_key(app, session);
  add_ca(app, session);
  add_cert(app, session);
  add_policy(app, session);
  add_subject(app, session);
  add_crl(app, session);
  add_csr(app, session);
  add_jws(app, session);
  add_approval(app, session);
  add_approver(app, session);
  add_audit(app, session);
  add_conformance(app, session);
  add_seal(app, session);
  add_raw(app, session);
  add_completion(app, session);
}

int run(int argc, char** argv) {
  Session session;
  CLI::App app;
  build(app, session);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    // Whether the option was read depends on where the mistake stands.
    session.json = session.json || std::find(argv, argv + argc, std::string_view("--json")) != argv + argc;
    return static_cast<int>(explain(session, app, problem));
  }
  return static_cast<int>(act(session));
}

}  // namespace hubseal::cli
