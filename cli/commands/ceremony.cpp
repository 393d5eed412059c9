// hubseal ceremony: a reviewed file is done step by step, and what was done is proven to others.
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/audit_evidence.h"
#include "cli/ceremony/fingerprint.h"
#include "cli/ceremony/runner.h"
#include "cli/ceremony/verifier.h"
#include "cli/commands/commands.h"
#include "cli/input_output.h"
#include "cli/table.h"

namespace hubseal::cli {
namespace {

constexpr char kUnproven[] = " (by the transcript; not proven)";

struct Options {
  std::string transcript, reviewed;
  std::vector<std::string> keys;
};

Json json_of(const CeremonyVerdict& verdict) {
  const Transcript& transcript = verdict.transcript;
  Json steps = Json::array();
  for (std::size_t i = 0; i < verdict.records.size(); ++i) {
    const DoneStep& done = transcript.done[i];
    const CeremonyStep& step = transcript.script.steps[i];
    steps.push_back({{"step", step.operation},
                     {"about", step.about},
                     {"time", member_of(verdict.records[i], "time")},
                     {"uid", done.asked.uid},
                     {"record", done.record}});
    if (const std::string hex = fingerprint_of(done.reply); !hex.empty()) steps.back()["sha256"] = hex;
  }
  Json told = {{"good", !verdict.fault},
               {"title", transcript.script.title},
               {"witnesses", transcript.script.witnesses},
               {"file_sha256", transcript.script.sha256},
               {"origin", verdict.origin},
               {"records", verdict.size},
               {"steps", steps}};
  if (verdict.fault) told["fault"] = {{"line", verdict.fault->line}, {"problem", verdict.fault->problem}};
  return told;
}

std::string render_verdict(const CeremonyVerdict& verdict) {
  const Transcript& transcript = verdict.transcript;
  const Room& room = transcript.room;
  std::vector<std::pair<std::string, std::string>> header = {{"ceremony", display_text(transcript.script.title)}};
  for (const std::string& witness : transcript.script.witnesses)
    header.emplace_back("witness", display_text(witness) + " (by the file; not proven)");
  header.emplace_back("file", "SHA-256 " + transcript.script.sha256);
  if (!transcript.script.policy_sha256.empty())
    header.emplace_back("policy", "SHA-256 " + transcript.script.policy_sha256 + " (by the file; not proven)");
  header.emplace_back("begun", fmt::format("{} by uid {}{}", display_text(transcript.time), transcript.uid, kUnproven));
  header.emplace_back(
      "daemon",
      display_text(fmt::format("{}, token {} ({})", room.version, room.token, room.token_serial)) + kUnproven);
  header.emplace_back("audit log", display_text(fmt::format("{}, {} records", verdict.origin, verdict.size)));
  Table table({"STEP", "WHAT", "ABOUT", "TIME", "UID", "RECORD", "SHA-256"});
  for (std::size_t i = 0; i < verdict.records.size(); ++i) {
    const CeremonyStep& step = transcript.script.steps[i];
    const DoneStep& done = transcript.done[i];
    table.row({fmt::format("{}", i + 1), step.operation, step.about.empty() ? "-" : step.about,
               text_of(verdict.records[i], "time"), fmt::format("{}", done.asked.uid), fmt::format("{}", done.record),
               in_groups(fingerprint_of(done.reply))});
  }
  return render_pairs(header) + table.render();
}

Result<ExitCode> verify(const Session& session, const Options& options) {
  std::vector<Bytes> keys;
  for (const std::string& file : options.keys) keys.push_back(TRY(read_audit_key(file)));
  const std::string text = TRY(read_input(options.transcript, kMaxTranscriptBytes));
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
