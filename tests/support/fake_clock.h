#pragma once

#include <functional>
#include <utility>

#include "common/clock.h"
#include "common/guarded.h"

namespace hubseal::test {

/// A clock that a test sets.
struct FakeClock final : Clock {
  TimePoint now() const override { return time; }
  TimePoint time{std::chrono::seconds(1'790'000'000)};
};

/// The machine's clock, and what somebody else does at the moment when hubseald looks at it.
/// Threads: share it freely.
class InterruptedClock final : public Clock {
 public:
  TimePoint now() const override {
    if (const auto work = std::exchange(*meanwhile_.lock(), nullptr)) work();
    return clock_.now();
  }
  /// Done once, at the next look.
  void meanwhile(std::function<void()> work) { *meanwhile_.lock() = std::move(work); }

 private:
  const SystemClock clock_;
  mutable Guarded<std::function<void()>> meanwhile_;
};

}  // namespace hubseal::test
