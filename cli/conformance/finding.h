/// What was found about one clause, piece by piece, and the verdict that follows from the pieces.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace hubseal::cli::conformance {

enum class Verdict { met, partly, not_met, not_applicable, unknown };
std::string_view to_string(Verdict verdict);  ///< "not met"

/// What a piece of evidence says about the rule.
enum class Mark {
  good,     ///< as the rule wants it
  lacking,  ///< a part of the rule is not kept
  bad,      ///< the rule is not kept
  unseen,   ///< could not be looked at
  note,     ///< worth knowing, decides nothing
};
std::string_view to_string(Mark mark);

struct Evidence {
  Mark mark;
  std::string text;
};

/// Collects evidence.
class Finding {
 public:
  void good(std::string text) { add(Mark::good, std::move(text)); }
  void lacking(std::string text) { add(Mark::lacking, std::move(text)); }
  void bad(std::string text) { add(Mark::bad, std::move(text)); }
  void note(std::string text) { add(Mark::note, std::move(text)); }
  /// `what` could not be looked at, for this reason.
  void unseen(std::string_view what, const Error& error);
  void add(Mark mark, std::string text) { evidence_.push_back({mark, std::move(text)}); }
  /// Good with `text`, or of `mark` with the problems behind it, where there are any.
  void judge(const std::string& text, const std::vector<std::string>& problems, Mark mark = Mark::bad);

  /// The worst piece decides: bad is `not met`; lacking is `partly` beside something good and `not met` alone; unseen
  /// is `unknown`; good is `met`. Where there is none of these, the rule has nothing here to hold: `not applicable`.
  Verdict verdict() const;
  const std::vector<Evidence>& evidence() const { return evidence_; }

 private:
  bool has(Mark mark) const;
  std::vector<Evidence> evidence_;
};

}  // namespace hubseal::cli::conformance
