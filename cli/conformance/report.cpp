#include "cli/conformance/report.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hubseal::cli::conformance {

std::size_t Report::count(Verdict verdict) const {
  return static_cast<std::size_t>(std::count_if(
      clauses.begin(), clauses.end(), [&](const Judged& judged) { return judged.finding.verdict() == verdict; }));
}

bool Report::conforms() const { return count(Verdict::met) + count(Verdict::not_applicable) == clauses.size(); }

std::string Report::summary() const {
  std::vector<std::string> counts;
  for (const Verdict verdict : kVerdicts) counts.push_back(fmt::format("{} {}", count(verdict), to_string(verdict)));
  return fmt::format("{} clauses: {}", clauses.size(), fmt::join(counts, ", "));
}

std::vector<std::pair<std::string, std::string>> Report::heading() const {
  std::vector<std::pair<std::string, std::string>> pairs = {
      {"time", format_utc(made_at)},
      {"instance", instance},
      {"version", fmt::format("hubseald {}, {}", health.version, health.openssl)},
      {"policy", fmt::format("version {}, SHA-256 {}", health.policy_version, health.policy_sha256)},
      {"state", health.sealed ? "sealed: nothing is signed" : health.status}};
  if (health.policy_files == "differ") pairs.emplace_back("files", "the policy's files say something else by now");
  if (health.policy_files == "unreadable") pairs.emplace_back("files", "the policy's files cannot be read");
  for (const std::string& problem : health.problems) pairs.emplace_back("problem", problem);
  return pairs;
}

Report judge(const Installation& found) {
  Report report;
  report.made_at = found.now;
  report.instance = found.log                                   ? found.log->origin
                    : found.log.error().code == Code::forbidden ? "unknown: no permission to read the checkpoint"
                                                                : "unknown: " + found.log.error().message;
  report.health = found.health;
  for (const Section& section : sections())
    for (const Clause& clause : section.clauses) report.clauses.push_back({&section, &clause, clause.check(found)});
  return report;
}

}  // namespace hubseal::cli::conformance
