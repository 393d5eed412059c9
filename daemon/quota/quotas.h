#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/guarded.h"
#include "daemon/quota/quota.h"
#include "daemon/registry/registry.h"

namespace hubseal::daemon {

/// What a request is about to use up.
struct Use {
  QuotaKind kind;
  std::string name;              ///< uid, participant (use_of_subject), key label, ...
  const Quota* limit = nullptr;  ///< null: what policy.toml says of this kind; the caller's
};

/// A certificate asked for a participant; empty for one that the register does not know. People have a bucket of their
/// own: what programs ask for a participant does not keep them from helping it.
Use use_of_subject(std::string_view subject, bool by_people);
/// The same certificate, of a profile that has a limit of its own.
Use use_of_profile(std::string_view profile, const Quota& limit, const Use& subject);

/// How much of each quota is left.
///
/// Levels survive a restart without a write for each request: the registry holds a lease, a level that is certainly
/// not above the true one until a certain time. Only when a bucket is about to fall below its lease is the next one
/// written. After a crash the daemon goes on from the lease, so that a crash gives nobody more than was left.
/// Threads: share it freely.
class Quotas {
 public:
  /// Time that nobody can set; tests pass their own.
  using Elapsed = std::function<std::chrono::milliseconds()>;
  static std::chrono::milliseconds since_boot();

  static Result<std::unique_ptr<Quotas>> open(Registry& registry, const Clock& clock, Elapsed elapsed = &since_boot);

  /// Takes one token for each use, or none at all.
  /// Errors: rate_limited with what is used up and when there is more; storage_unavailable.
  Result<> take(const QuotaLimits& limits, std::span<const Use> uses);
  /// For a request that was refused for another quota after it had taken this one.
  void give_back(const Use& use);
  /// At the end: the exact levels, so that a restart costs nothing.
  Result<> save();

 private:
  struct Bucket {
    double level;  ///< tokens at `at`
    std::chrono::milliseconds at;
    double lease;  ///< what the registry holds: the level is not below this until `lease_until`
    std::chrono::milliseconds lease_until;
  };
  using Key = std::pair<QuotaKind, std::string>;
  using Buckets = std::map<Key, Bucket>;

  Quotas(Registry& registry, const Clock& clock, Elapsed elapsed)
      : registry_(registry), clock_(clock), elapsed_(std::move(elapsed)) {}
  Result<> restore();
  Bucket& filled(Buckets& buckets, const Use& use, const Quota& quota, std::chrono::milliseconds now) const;
  Result<> renew_lease(const Use& use, Bucket& bucket, const Quota& quota, std::chrono::milliseconds now);

  Registry& registry_;
  const Clock& clock_;
  const Elapsed elapsed_;
  /// As many as there are users, participants with each profile, and keys: requests cannot invent any.
  Guarded<Buckets> buckets_;
};

}  // namespace hubseal::daemon
