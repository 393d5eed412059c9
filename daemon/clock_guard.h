#pragma once

#include <chrono>
#include <optional>

#include "common/clock.h"
#include "daemon/registry/registry.h"

namespace hubseal::daemon {

/// Refuses to issue when the wall clock cannot be believed: a certificate dated by a clock that
/// jumped is wrong for its whole life.
/// Two signs: the clock reads earlier than what the registry already holds, or it moved against the
/// monotonic clock (CLOCK_BOOTTIME, which also counts suspended time) since the start.
/// Errors: policy_denied, with what the clocks say and what to do.
class ClockGuard {
 public:
  static constexpr std::chrono::minutes kTolerance{5};
  /// Elapsed time that no one can set; tests pass their own.
  using Monotonic = std::chrono::seconds (*)();

  ClockGuard(const Clock& clock, Registry& registry, Monotonic monotonic = &boot_time);

  /// The time now, if it can be believed.
  Result<TimePoint> now() const;
  /// The same for who has just read the registry's own time (certificate_table::latest_time).
  Result<TimePoint> now(const std::optional<TimePoint>& latest) const;
  /// The time now, if the clock has not moved since the start. For what must not wait for the registry's own time to
  /// be passed: a list that revokes something.
  Result<TimePoint> now_if_unmoved() const;
  /// A clock that nobody can set, from wherever it began.
  std::chrono::seconds elapsed() const { return monotonic_(); }

 private:
  static std::chrono::seconds boot_time();

  const Clock& clock_;
  Registry& registry_;
  const Monotonic monotonic_;
  const std::chrono::seconds start_offset_;  // wall clock minus monotonic clock
};

}  // namespace hubseal::daemon
