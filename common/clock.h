/// Wall-clock time as HubSeal writes it: UTC, whole seconds.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/result.h"

namespace hubseal {

using TimePoint = std::chrono::sys_seconds;

/// Where "now" comes from; tests pass their own.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;
};

class SystemClock final : public Clock {
 public:
  TimePoint now() const override;
};

/// "2026-11-30T00:00:00Z" (RFC 3339, UTC).
std::string format_utc(TimePoint time);
Result<TimePoint> parse_utc(std::string_view text);

}  // namespace hubseal
