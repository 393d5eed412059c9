#include "daemon/quota/refusals.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hubseal::daemon {
namespace {

constexpr std::array<std::string_view, 2> kVotes = {"approve", "submit_approval"};

}  // namespace

bool Refusals::admits(const QuotaLimits& limits, std::int64_t uid, std::string_view event, Code code) {
  const bool vote = std::find(kVotes.begin(), kVotes.end(), event) != kVotes.end();
  const Use use{QuotaKind::refusals, fmt::format("{}{}", uid, vote ? "/votes" : "")};
  const auto taken = quotas_.take(limits, {&use, 1});
  // A disk that cannot be written is not the user's flood: the attempt to record it tells of that.
  if (taken || taken.error().code != Code::rate_limited) return true;
  auto counts = counts_.lock();
  Count& count = (*counts)[uid];
  if (count.refusals.empty()) count.since = clock_.now();
  ++count.refusals[{std::string(event), code}];
  return false;
}

Json Refusals::record_of(std::int64_t uid, const Count& count) {
  std::uint64_t total = 0;
  Json refused = Json::object();
  for (const auto& [what, times] : count.refusals) {
    total += times;
    refused[what.first][std::string(to_string(what.second))] = times;
  }
  return {{"event", "refusals_not_recorded"},
          {"uid", uid},
          {"count", total},
          {"refused", std::move(refused)},
          {"since", format_utc(count.since)}};
}

Result<> Refusals::record_counts() {
  std::map<std::int64_t, Count> counted;
  counts_.lock()->swap(counted);
  Result<> recorded;
  for (const auto& [uid, count] : counted) {
    const auto written = audit_.record(record_of(uid, count));
    if (written) continue;
    recorded = written;
    auto counts = counts_.lock();
    Count& kept = (*counts)[uid];
    for (const auto& [what, times] : count.refusals) kept.refusals[what] += times;
    kept.since = count.since;
  }
  return recorded;
}

}  // namespace hubseal::daemon
