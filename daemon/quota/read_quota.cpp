#include "daemon/quota/read_quota.h"

namespace hubseal::daemon {
namespace {

constexpr std::int64_t kMaxTokens = 1'000'000'000;

}  // namespace

Result<Quota> read_quota(Fields fields) {
  TRY(fields.only({"unlimited", "burst", "refill", "refill_seconds"}));
  Quota quota;
  quota.unlimited = TRY(fields.boolean_or("unlimited", false));
  if (!quota.unlimited) {
    quota.burst = TRY(fields.integer("burst", 1, kMaxTokens));
    quota.refill = TRY(fields.integer("refill", 1, kMaxTokens));
    quota.refill_time = std::chrono::seconds(TRY(fields.integer("refill_seconds", 1, 86400)));
  }
  TRY(fields.nothing_left());
  return quota;
}

}  // namespace hubseal::daemon
