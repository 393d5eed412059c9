#include <fmt/format.h>

#include "cli/conformance/report.h"
#include "cli/table.h"

namespace hubseal::cli::conformance {
namespace {

constexpr std::size_t kWidth = 96;  // of the last column

std::string_view sign_of(Mark mark) {
  switch (mark) {
    case Mark::good: return "+ ";
    case Mark::lacking:
    case Mark::bad: return "- ";
    case Mark::unseen: return "? ";
    case Mark::note: return "  ";
  }
  return "  ";
}

/// Lines of at most kWidth bytes where there are spaces to break at; those after the first are indented.
std::vector<std::string> wrap(std::string text) {
  std::vector<std::string> lines;
  while (text.size() > kWidth) {
    std::size_t at = text.rfind(' ', kWidth);
    if (at == std::string::npos || at < 4) at = text.find(' ', kWidth);
    if (at == std::string::npos) break;
    lines.push_back(text.substr(0, at));
    text = "    " + text.substr(at + 1);
  }
  lines.push_back(text);
  return lines;
}

void add(Table& table, const std::string& id, std::string_view verdict, const std::string& text) {
  bool first = true;
  for (std::string& line : wrap(text)) {
    table.row({first ? id : "", first ? std::string(verdict) : "", std::move(line)});
    first = false;
  }
}

}  // namespace

std::string to_text(const Report& report) {
  Table table({"CLAUSE", "VERDICT", "RULE AND EVIDENCE"});
  for (const Judged& judged : report.clauses) {
    const Verdict verdict = judged.finding.verdict();
    add(table, judged.clause->id, to_string(verdict), judged.clause->rule);
    for (const Evidence& evidence : judged.finding.evidence())
      add(table, "", "", std::string(sign_of(evidence.mark)) + evidence.text);
    if (verdict != Verdict::met && verdict != Verdict::not_applicable)
      add(table, "", "", fmt::format("wanted: {}", judged.clause->wanted));
  }
  return render_pairs(report.heading()) + "\n" + table.render() + "\n" + report.summary() + "\n";
}

}  // namespace hubseal::cli::conformance
