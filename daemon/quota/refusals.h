#pragma once

#include <map>

#include "common/guarded.h"
#include "daemon/audit.h"
#include "daemon/quota/quotas.h"

namespace hubseal::daemon {

/// Keeps a flood of refused requests from filling the audit log: each user has so many refusals recorded one by one;
/// what comes on top is counted, and the count is recorded once in an interval.
/// Threads: share it freely.
class Refusals {
 public:
  static constexpr std::chrono::minutes kInterval{1};

  Refusals(Quotas& quotas, AuditLog& audit, const Clock& clock) : quotas_(quotas), audit_(audit), clock_(clock) {}

  /// Whether this refusal gets a record of its own; if not, it is counted.
  bool admits(const QuotaLimits& limits, std::int64_t uid);
  /// Writes what was counted. Called once in an interval, and at the end.
  Result<> record_counts();

 private:
  struct Count {
    std::uint64_t refusals = 0;
    TimePoint since{};
  };

  Quotas& quotas_;
  AuditLog& audit_;
  const Clock& clock_;
  Guarded<std::map<std::int64_t, Count>> counts_;  // by uid
};

}  // namespace hubseal::daemon
