#pragma once

#include "common/clock.h"

namespace hubseal::test {

/// A clock that a test sets.
struct FakeClock final : Clock {
  TimePoint now() const override { return time; }
  TimePoint time{std::chrono::seconds(1'790'000'000)};
};

}  // namespace hubseal::test
