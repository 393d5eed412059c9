#include "daemon/clock_guard.h"

#include <time.h>

#include <fmt/format.h>

#include "daemon/registry/certificate_table.h"

namespace hubseal::daemon {

std::chrono::seconds ClockGuard::boot_time() {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return std::chrono::seconds(time.tv_sec);
}

ClockGuard::ClockGuard(const Clock& clock, Registry& registry, Monotonic monotonic)
    : clock_(clock),
      registry_(registry),
      monotonic_(monotonic),
      start_offset_(clock.now().time_since_epoch() - monotonic()) {}

Result<TimePoint> ClockGuard::now_if_unmoved() const {
  const TimePoint now = clock_.now();
  const auto moved = now.time_since_epoch() - monotonic_() - start_offset_;
  if (std::chrono::abs(moved) > kTolerance)
    return fail(Code::policy_denied,
                fmt::format("the clock jumped by {} s since hubseald started (it says {}); nothing is issued until it "
                            "is set right and hubseald is restarted",
                            moved.count(), format_utc(now)));
  return now;
}

Result<TimePoint> ClockGuard::now() const { return now(TRY(registry_.read(certificate_table::latest_time))); }

Result<TimePoint> ClockGuard::now(const std::optional<TimePoint>& latest) const {
  const TimePoint now = TRY(now_if_unmoved());
  if (latest && now + kTolerance < *latest)
    return fail(Code::policy_denied,
                fmt::format("the clock says {}, but the registry already holds a certificate of {}; nothing is issued "
                            "until the clock is set right",
                            format_utc(now), format_utc(*latest)));
  return now;
}

}  // namespace hubseal::daemon
