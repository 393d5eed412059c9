#include "cli/conformance/finding.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hubseal::cli::conformance {

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::met: return "met";
    case Verdict::partly: return "partly";
    case Verdict::not_met: return "not met";
    case Verdict::not_applicable: return "not applicable";
    case Verdict::unknown: return "unknown";
  }
  return "unknown";
}

std::string_view to_string(Mark mark) {
  switch (mark) {
    case Mark::good: return "good";
    case Mark::lacking: return "lacking";
    case Mark::bad: return "bad";
    case Mark::unseen: return "unseen";
    case Mark::note: return "note";
  }
  return "note";
}

void Finding::unseen(std::string_view what, const Error& error) {
  if (error.code == Code::forbidden)
    add(Mark::unseen, fmt::format("{}: no permission to look", what));
  else
    add(Mark::unseen, fmt::format("{}: {}", what, error.message));
}

void Finding::judge(const std::string& text, const std::vector<std::string>& problems, Mark mark) {
  if (problems.empty())
    good(text);
  else
    add(mark, fmt::format("{}: {}", text, fmt::join(problems, "; ")));
}

bool Finding::has(Mark mark) const {
  return std::any_of(evidence_.begin(), evidence_.end(), [&](const Evidence& piece) { return piece.mark == mark; });
}

Verdict Finding::verdict() const {
  if (has(Mark::bad)) return Verdict::not_met;
  if (has(Mark::lacking)) return has(Mark::good) ? Verdict::partly : Verdict::not_met;
  if (has(Mark::unseen)) return Verdict::unknown;
  return has(Mark::good) ? Verdict::met : Verdict::not_applicable;
}

}  // namespace hubseal::cli::conformance
