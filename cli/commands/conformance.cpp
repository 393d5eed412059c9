// hubseal conformance: every clause of docs/STANDARDS.md, and how the running installation meets it.
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands/commands.h"
#include "cli/conformance/gather.h"
#include "cli/conformance/report.h"
#include "cli/input_output.h"

namespace hubseal::cli {
namespace {

struct Options {
  std::string html;
  bool force = false;
};

Result<ExitCode> make_report(const Session& session, const Options& options) {
  TRY(check_output(options.html, options.force, conformance::kPageStart));
  const conformance::Report report = conformance::judge(TRY(conformance::gather(session)));
  if (session.json)
    session.print_json(to_json(report));
  else
    print(to_text(report));
  if (!options.html.empty()) {
    TRY(write_output(options.html, to_html(report), true));
    if (!session.json) print(fmt::format("written to {}\n", options.html));
  }
  return report.conforms() ? ExitCode::ok : ExitCode::refused;
}

}  // namespace

void add_conformance(CLI::App& app, Session& session) {
  const auto options = std::make_shared<Options>();
  CLI::App* asked =
      command(app, "conformance",
              "Every rule that HubSeal is held to, and how this installation meets it (exit 0: all of "
              "them, 3: not all, 4: no report was made)",
              "  hubseal conformance\n  hubseal conformance --html conformance.html\n"
              "  hubseal --json conformance | jq -r '.clauses[] | select(.verdict == \"not met\") | .id'\n");
  asked->add_option("--html", options->html, "Write it as a page of HTML as well; an older such page is replaced")
      ->type_name("FILE");
  asked->add_flag("--force", options->force, "Replace the file whatever it is");
  // Not one of them is taken for a report that finds something: a refusal would end with 3 as well.
  asked->parse_complete_callback([&session] { session.failed = ExitCode::unavailable; });
  on(asked, session, options, make_report);
}

}  // namespace hubseal::cli
