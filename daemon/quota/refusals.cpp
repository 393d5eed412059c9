#include "daemon/quota/refusals.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hubseal::daemon {

bool Refusals::admits(const QuotaLimits& limits, std::int64_t uid) {
  const Use use{QuotaKind::refusals, fmt::format("{}", uid)};
  const auto taken = quotas_.take(limits, {&use, 1});
  // A disk that cannot be written is not the user's flood: the attempt to record it tells of that.
  if (taken || taken.error().code != Code::rate_limited) return true;
  auto counts = counts_.lock();
  Count& count = (*counts)[uid];
  if (count.refusals++ == 0) count.since = clock_.now();
  return false;
}

Result<> Refusals::record_counts() {
  std::map<std::int64_t, Count> counted;
  counts_.lock()->swap(counted);
  Result<> recorded;
  for (const auto& [uid, count] : counted) {
    const auto written = audit_.record(Json{{"event", "refusals_not_recorded"},
                                            {"uid", uid},
                                            {"count", count.refusals},
                                            {"since", format_utc(count.since)}});
    if (written) continue;
    recorded = written;
    auto counts = counts_.lock();
    Count& kept = (*counts)[uid];
    kept.refusals += count.refusals;
    kept.since = count.since;
  }
  return recorded;
}

}  // namespace hubseal::daemon
