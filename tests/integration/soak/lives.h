/// Lives in the long run: keys and CAs from their first day to their last, each step by whichever client comes next.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/guarded.h"
#include "tests/integration/soak/ask.h"

namespace hubseal::test {

/// One life after the other, one step at a time, so that each answer is known before it is asked for.
/// Threads: share it freely.
class Lives {
 public:
  static constexpr unsigned kMost = 30;  ///< keys that are destroyed, and CAs that are retired; their names stay

  /// The next step; nothing while one is on its way, or when all lives are over.
  std::optional<Ask> next();

 private:
  struct State {
    unsigned life = 0;
    std::vector<Ask> steps;  ///< of this life, the last one first
    bool on_its_way = false;
  };
  Guarded<State> state_;
};

}  // namespace hubseal::test
