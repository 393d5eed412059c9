#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "common/guarded.h"
#include "daemon/audit.h"
#include "daemon/quota/quotas.h"

namespace hubseal::daemon {

/// Keeps a flood of refused requests from filling the audit log: each user has so many refusals recorded one by one;
/// what comes on top is counted by operation and code, and the counts are recorded once in an interval. Votes have a
/// quota of their own, as large: a flood of anything else hides no vote that was forged.
/// Threads: share it freely.
class Refusals {
 public:
  static constexpr std::chrono::minutes kInterval{1};

  Refusals(Quotas& quotas, AuditLog& audit, const Clock& clock) : quotas_(quotas), audit_(audit), clock_(clock) {}

  /// Whether this refusal gets a record of its own; if not, it is counted. `event` is the operation, or what stands
  /// for those that do not exist: no word of the peer's choice.
  bool admits(const QuotaLimits& limits, std::int64_t uid, std::string_view event, Code code);
  /// Writes what was counted. Called once in an interval, and at the end.
  Result<> record_counts();

 private:
  struct Count {
    std::map<std::pair<std::string, Code>, std::uint64_t> refusals;
    TimePoint since{};
  };
  static Json record_of(std::int64_t uid, const Count& count);

  Quotas& quotas_;
  AuditLog& audit_;
  const Clock& clock_;
  Guarded<std::map<std::int64_t, Count>> counts_;  // by uid
};

}  // namespace hubseal::daemon
