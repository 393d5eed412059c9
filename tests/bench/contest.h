#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/bench/measure.h"

namespace hubseal::bench {

/// Several who do the same work, in turns: in each round everyone once, so that ratios are those of the same minute.
/// The first is what the others are held against.
class Contest {
 public:
  /// `run` is one round; what it throws is shown in the place of figures, and it gets no further round.
  void add(std::string name, std::function<Measurement()> run);
  /// One that cannot take part, and why.
  void add_absent(std::string name, std::string why);

  /// Errors: throws where one of the first two fails, who are those that it is about.
  void run(unsigned rounds);
  static void print_header();
  void print(const std::string& what, unsigned connections) const;
  /// Whether somebody who takes part failed.
  bool failed() const;

 private:
  struct Contender {
    std::string name;
    std::function<Measurement()> run;
    std::vector<Measurement> rounds;
    std::string absent;
  };
  std::vector<Contender> contenders_;
};

}  // namespace hubseal::bench
