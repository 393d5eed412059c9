/// The report: every clause with its verdict, and what it is a report on.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "cli/conformance/clauses.h"
#include "cli/session.h"

namespace hubseal::cli::conformance {

struct Judged {
  const Section* section;
  const Clause* clause;
  Finding finding;
};

struct Report {
  TimePoint made_at;
  std::string instance;  ///< origin of the checkpoints, or why it is not known
  Health health;
  std::vector<Judged> clauses;

  std::size_t count(Verdict verdict) const;
  /// Whether every clause is met or not applicable.
  bool conforms() const;
  /// "17 met, 4 partly, ...".
  std::string summary() const;
  /// What stands above the clauses: names and values.
  std::vector<std::pair<std::string, std::string>> heading() const;
};

inline constexpr std::array kVerdicts = {Verdict::met, Verdict::partly, Verdict::not_met, Verdict::not_applicable,
                                         Verdict::unknown};

Report judge(const Installation& found);

std::string to_text(const Report& report);
Json to_json(const Report& report);
std::string to_html(const Report& report);

/// How every page that to_html() makes begins: a file that begins so may be replaced by the next one.
inline constexpr char kPageStart[] = "<!DOCTYPE html>\n<!-- hubseal conformance -->\n";

}  // namespace hubseal::cli::conformance
