// hubseal ceremony: a reviewed file is done step by step, and what was done is proven to others.
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/audit_evidence.h"
#include "cli/ceremony/runner.h"
#include "cli/ceremony/verdict_view.h"
#include "cli/commands/commands.h"
#include "cli/input_output.h"
#include "cli/table.h"

namespace hubseal::cli {
namespace {

struct Options {
  std::string transcript, reviewed;
  std::vector<std::string> keys;
};

Result<ExitCode> verify(const Session& session, const Options& options) {
  std::vector<Bytes> keys;
  for (const std::string& file : options.keys) keys.push_back(TRY(read_audit_key(file)));
  const std::string text = TRY(read_input(options.transcript, kMaxTranscriptBytes));
  // One that was altered still looks like one, and gets a verdict.
  if (!text.empty() && text.front() != '{' && text.find("\"line\":\"begin\"") == std::string::npos)
    return fail(Code::bad_request, fmt::format("input file {} is no transcript; wanted what hubseal ceremony run wrote",
                                               options.transcript));
  const std::string reviewed = options.reviewed.empty() ? "" : TRY(read_input(options.reviewed, kMaxTranscriptBytes));
  if (!options.reviewed.empty() && reviewed.empty())
    return fail(Code::bad_request, fmt::format("input file {} is empty", options.reviewed));
  const CeremonyVerdict verdict = verify_transcript(text, keys, reviewed);
  if (session.json)
    session.print_json(json_of(verdict));
  else if (!verdict.fault)
    print(render_verdict(verdict) + "good: every step is what the audit log says and the file asked for\n");
  if (!verdict.fault) return ExitCode::ok;
  if (!session.json)
    print_note(display_text(fmt::format("BAD at line {}: {}", verdict.fault->line, verdict.fault->problem)) + "\n");
  return ExitCode::refused;
}

void add_run(CLI::App& ceremony, Session& session) {
  const auto plan = std::make_shared<CeremonyRun>();
  CLI::App* running =
      command(ceremony, "run",
              "Do the steps of a file, one after the other, and write down each. Overwrites nothing; what was "
              "interrupted, or waits for approval, goes on with --continue",
              "  hubseal ceremony run ceremony.toml --check\n"
              "  hubseal ceremony run ceremony.toml --transcript ceremony-2026.transcript\n"
              "  hubseal ceremony run ceremony.toml --continue ceremony-2026.transcript\n");
  running->add_option("file", plan->file, "The steps, in TOML")->required()->type_name("FILE");
  CLI::Option* to = running->add_option("--transcript", plan->transcript, "A new file [FILE.transcript]");
  to->type_name("FILE");
  running->add_option("--continue", plan->continued, "The transcript of a ceremony that has no end yet")
      ->excludes(to)
      ->type_name("FILE");
  running->add_flag("--check", plan->check, "Read and show the file, and do nothing");
  running->add_flag("--yes", plan->yes, "Ask nobody: for rehearsals");
  running->add_option("--wait", plan->wait_seconds, "Seconds to wait for the checkpoint that covers the steps")
      ->capture_default_str()
      ->check(CLI::Range(1, 86400))
      ->type_name("SECONDS");
  on(running, session, plan, run_ceremony);
}

}  // namespace

void add_ceremony(CLI::App& app, Session& session) {
  CLI::App* ceremony =
      command(app, "ceremony", "Keys and CAs made as a reviewed file says, with a transcript that others can check",
              "  hubseal ceremony run ceremony.toml\n"
              "  hubseal ceremony verify ceremony.toml.transcript --key audit-key.pem\n");
  ceremony->require_subcommand(1);
  add_run(*ceremony, session);

  const auto checked = std::make_shared<Options>();
  CLI::App* verifying =
      command(*ceremony, "verify", "Check a transcript, offline: the first thing that is wrong is named",
              "  hubseal ceremony verify ceremony.toml.transcript --key audit-key.pem --file ceremony.toml\n");
  verifying->add_option("transcript", checked->transcript, "What `hubseal ceremony run` wrote")
      ->required()
      ->type_name("FILE");
  verifying->add_option("--key", checked->keys, "Public key of the audit log, PEM; several where it was changed")
      ->required()
      ->type_name("FILE");
  verifying->add_option("--file", checked->reviewed, "The file that was reviewed: the transcript must be of it")
      ->type_name("FILE");
  on(verifying, session, checked, verify);
}

}  // namespace hubseal::cli
