#include <nlohmann/json.hpp>

#include "cli/conformance/report.h"

namespace hubseal::cli::conformance {

Json to_json(const Report& report) {
  Json clauses = Json::array();
  for (const Judged& judged : report.clauses) {
    Json evidence = Json::array();
    for (const Evidence& piece : judged.finding.evidence())
      evidence.push_back({{"says", to_string(piece.mark)}, {"text", piece.text}});
    clauses.push_back({{"id", judged.clause->id},
                       {"section", judged.section->title},
                       {"rule", judged.clause->rule},
                       {"verdict", to_string(judged.finding.verdict())},
                       {"wanted", judged.clause->wanted},
                       {"evidence", evidence}});
  }
  Json summary = Json::object();
  for (const Verdict verdict : kVerdicts) summary[std::string(to_string(verdict))] = report.count(verdict);
  return {{"made_at", format_utc(report.made_at)},
          {"instance", report.instance},
          {"version", report.health.version},
          {"policy", {{"version", report.health.policy_version}, {"sha256", report.health.policy_sha256}}},
          {"status", report.health.status},
          {"sealed", report.health.sealed},
          {"conforms", report.conforms()},
          {"summary", summary},
          {"clauses", clauses}};
}

}  // namespace hubseal::cli::conformance
