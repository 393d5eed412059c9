#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "tests/bench/measure.h"

namespace CLI {
class App;
}

namespace hubseal::bench {

/// What every benchmark is told: how long a round is, how many there are of each kind, and which rows are wanted.
struct Schedule {
  double seconds = 1;
  unsigned rounds = 1;
  std::string only;  ///< rows whose name and connections hold this text

  bool wants(std::string_view what, unsigned connections) const;
  Seconds time() const { return Seconds(seconds); }
};

/// The main() of a benchmark: reads the options of `app` and those of `schedule`, runs, and says what main() returns.
/// `row` is an example for --only.
int run_benchmark(CLI::App& app, Schedule& schedule, std::string_view row, int argc, char** argv,
                  const std::function<void()>& run);

}  // namespace hubseal::bench
