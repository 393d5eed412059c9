#include "cli/ceremony/verdict_view.h"

#include <fmt/format.h>

#include "cli/ceremony/fingerprint.h"
#include "cli/session.h"
#include "cli/table.h"

namespace hubseal::cli {
namespace {

constexpr char kUnproven[] = " (by the transcript; not proven)";

}  // namespace

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

}  // namespace hubseal::cli
