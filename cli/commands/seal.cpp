// hubseal seal, hubseal unseal: the switch that stops all signing.
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands/commands.h"
#include "cli/input_output.h"
#include "cli/table.h"

namespace hubseal::cli {
namespace {

struct Options {
  std::string reason;
};

struct Nothing {};

Result<ExitCode> seal(const Session& session, const Options& options) {
  const Json sealed = TRY(session.call("seal", {{"reason", options.reason}}));
  if (session.json) {
    session.print_json(sealed);
    return ExitCode::ok;
  }
  print(
      render_pairs({{"sealed at", text_of(sealed, "sealed_at")},
                    {"by", fmt::format("{}, uid {}", text_of(sealed, "peer"), text_of(sealed, "uid"))},
                    {"reason", text_of(sealed, "reason")},
                    {"to unseal", fmt::format("{} people must agree; there are {} approvers",
                                              text_of(sealed, "approvals_to_unseal"), text_of(sealed, "approvers"))}}));
  return ExitCode::ok;
}

Result<ExitCode> unseal(const Session& session, const Nothing&) {
  const Json lifted = TRY(session.call("unseal", Json::object()));
  if (session.json) {
    session.print_json(lifted);
    return ExitCode::ok;
  }
  if (const Json& sealed = member_of(lifted, "sealed"); !sealed.is_null())
    print(fmt::format("unsealed: what uid {} had sealed at {} ({})\n", text_of(sealed, "uid"),
                      text_of(sealed, "sealed_at"), text_of(sealed, "reason")));
  if (const Json& rollback = member_of(lifted, "rollback"); !rollback.is_null())
    print(fmt::format("accepted as it is: {}\n", text_of(lifted, "rollback")));
  return ExitCode::ok;
}

}  // namespace

void add_seal(CLI::App& app, Session& session) {
  const auto options = std::make_shared<Options>();
  CLI::App* sealing = command(app, "seal", "Stop all signing, now and across restarts; one person can do it alone",
                              "  hubseal seal --reason \"laptop of an operator stolen\"\n");
  sealing->add_option("--reason", options->reason, "Why, in a line: approvers of the unsealing read it")
      ->required()
      ->type_name("TEXT");
  on(sealing, session, options, seal);

  on(command(app, "unseal",
             "Let signing go on: after a seal, or where hubseald started sealed because registry, log and token are "
             "not of one time. It needs the people that policy asks for",
             "  hubseal unseal\n"),
     session, std::make_shared<Nothing>(), unseal);
}

}  // namespace hubseal::cli
