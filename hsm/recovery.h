#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "common/guarded.h"
#include "hsm/generation.h"
#include "hsm/pause.h"
#include "hsm/token_config.h"

namespace hubseal::hsm {

/// Keeps one generation alive: lends it to requests, and when it is lost waits until all have left
/// it, throws it away, opens the next and proves the keys that were in use.
/// Threads: share it freely. One request opens; the others wait for it, at most until the deadline.
/// After an attempt that failed or threw, and after a generation that was lost before it made a signature,
/// there is a growing pause in which requests are refused at once. An attempt has failed too when the token shows none
/// of the keys that were in use: it may be back before its objects are. One of several that is missing is looked for
/// again by the generation; so is one over whose proof the token was lost, which does not keep it from being opened for
/// the others (held_out.h). The first generation decides which token it is: afterwards no other gets the PIN, whatever
/// its label. Errors: hsm_unavailable, with the reason of the last attempt.
class Recovery {
 public:
  explicit Recovery(TokenConfig config);

  /// The right to use the generation; it is not thrown away before every Use has gone.
  class Use {
   public:
    Use(Recovery& recovery, Generation& generation) : recovery_(&recovery), generation_(&generation) {}
    Use(Use&& other) noexcept
        : recovery_(other.recovery_), generation_(std::exchange(other.generation_, nullptr)), signed_(other.signed_) {}
    Use& operator=(Use&&) = delete;
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use() {
      if (generation_) recovery_->leave(signed_);
    }
    Generation& generation() const { return *generation_; }
    /// The token works, and this key is to be proven whenever it is opened anew.
    void has_signed(const KeyId& id) { signed_ = id; }
    /// It is not looked for any more, until it signs again.
    void is_absent(const KeyId& id) { recovery_->state_.lock()->in_use.erase(id); }
    /// The same for ever: a signature that had begun before may end after this.
    void has_destroyed(const KeyId& id) {
      auto state = recovery_->state_.lock();
      state->in_use.erase(id);
      state->destroyed.insert(id);
    }

   private:
    Recovery* recovery_;
    Generation* generation_;
    std::optional<KeyId> signed_;
  };

  Result<Use> enter();
  TokenStatus status();

 private:
  struct State {
    std::unique_ptr<Generation> generation;
    bool opening = false;
    bool has_signed = false;  ///< this generation has
    unsigned users = 0;
    unsigned opened = 0;     ///< generations so far
    std::string problem;     ///< why the last attempt failed, if it did
    Pause pause;             ///< before the next attempt
    std::set<KeyId> in_use;  ///< keys that have signed since the process started
    std::set<KeyId> destroyed;
    std::optional<TokenIdentity> began_with;
    TokenStatus last_opened;  ///< of the last generation
  };
  using StateHandle = Guarded<State>::Handle;
  class Attempt;

  bool usable(StateHandle& state) const { return state->generation && !state->generation->lost(); }
  static std::string problem_of(const State& state) {
    return state.problem.empty() ? "the token was lost" : state.problem;
  }
  Result<> replace_generation(StateHandle& state);
  Result<std::unique_ptr<Generation>> open_next(const std::set<KeyId>& in_use,
                                                const std::optional<TokenIdentity>& known);
  void leave(const std::optional<KeyId>& signed_with);

  const TokenConfig config_;
  Login login_;
  Quarantine quarantine_;
  HeldOut held_out_{config_};
  Guarded<State> state_;
  std::condition_variable changed_;  ///< opening ended, or a user left
};

}  // namespace hubseal::hsm
