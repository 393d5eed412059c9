#include "common/clock.h"

#include <time.h>

#include <fmt/format.h>

namespace hubseal {

TimePoint SystemClock::now() const {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::string format_utc(TimePoint time) {
  const std::time_t seconds = time.time_since_epoch().count();
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

Result<TimePoint> parse_utc(std::string_view text) {
  std::tm parts{};
  const std::string copy(text);
  const char* end = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  const TimePoint time{std::chrono::seconds(end ? ::timegm(&parts) : 0)};
  // strptime takes the 31st of February and short fields; only what we would write is accepted.
  if (!end || format_utc(time) != text)
    return fail(Code::bad_request, fmt::format("\"{:.40}\" is not a time like 2026-11-30T00:00:00Z", text));
  return time;
}

}  // namespace hubseal
