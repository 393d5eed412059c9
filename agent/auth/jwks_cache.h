#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <thread>

#include "agent/auth/jwk_set.h"
#include "common/guarded.h"
#include "common/result.h"

namespace hubseal::agent::auth {

/// The provider's keys, kept while they may be and fetched anew when they are old or one is missing.
/// Owns: a thread, which does all fetching, so that no caller waits for the provider longer than `patience`.
/// Threads: share it freely.
class JwksCache {
 public:
  using Fetch = std::function<Result<JwkSet>()>;
  using Duration = std::chrono::milliseconds;

  struct Times {
    Duration refresh = std::chrono::minutes(5);  ///< between fetches: how long a key that was withdrawn is still taken
    Duration max_age = std::chrono::hours(1);    ///< how long keys are used when the provider cannot be reached
    Duration pause = std::chrono::seconds(5);    ///< at least between two fetches, whatever tokens name
    Duration patience = std::chrono::seconds(5);
  };

  /// Begins to fetch.
  JwksCache(Fetch fetch, Times times);
  ~JwksCache();

  /// The keys that are in force. Where `has` does not hold of them, they are fetched once more first, unless that was
  /// done a moment ago. Null: none are, because the provider cannot be reached.
  std::shared_ptr<const JwkSet> get(const std::function<bool(const JwkSet&)>& has);

 private:
  using Time = std::chrono::steady_clock::time_point;

  struct State {
    std::shared_ptr<const JwkSet> set;
    Time fetched;         ///< when `set` was
    Time attempted;       ///< the last fetch ended, whatever came of it
    Time due;             ///< of the next one
    int attempts = 0;     ///< that have ended
    int waiting = 0;      ///< callers
    bool wanted = false;  ///< before it is due
    bool fetching = false;
    bool failing = false;
    bool stopping = false;
  };

  void run();
  void fetch_once(Guarded<State>::Handle& state);
  std::shared_ptr<const JwkSet> in_force(const State& state) const;

  const Fetch fetch_;
  const Times times_;
  std::condition_variable changed_;
  Guarded<State> state_;
  std::thread thread_;
};

}  // namespace hubseal::agent::auth
