#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "common/guarded.h"
#include "common/handover.h"
#include "common/result.h"
#include "hsm/key.h"
#include "hsm/verifier.h"

namespace hubseal::hsm {

/// One session and what belongs to it: handles of key copies, prepared verifiers.
/// Threads: only the holder of its lease touches it.
class SessionSlot {
 public:
  /// What this slot keeps for a key, as often as it is looked at.
  struct KeyUse {
    CK_OBJECT_HANDLE handle = 0;  ///< 0: not looked for since the session was opened
    Verifier verifier;
  };

  CK_SESSION_HANDLE session = 0;  ///< 0: none; PKCS#11 never gives that handle out
  unsigned age = 0;               ///< of the pool when it was lent
  KeyUse& use_of(const KeyId& id) { return uses_[id]; }
  /// Session objects die with their session.
  void forget_handles();

 private:
  std::map<KeyId, KeyUse> uses_;
};

/// Lends sessions to signing threads, as many at a time as there are, first come first served.
/// Owns: every session; a Lease borrows one. Sessions are opened when first needed, and anew after
/// one was discarded.
/// Threads: share the pool freely; a Lease stays with the thread that took it.
/// Errors: hsm_busy when none came free before the deadline; hsm_unavailable once closed.
class SessionPool {
 public:
  SessionPool(Cryptoki& cryptoki, CK_SLOT_ID token_slot, unsigned sessions);
  ~SessionPool();
  SessionPool(const SessionPool&) = delete;  // leases point into it
  SessionPool& operator=(const SessionPool&) = delete;

  class Lease {
   public:
    Lease(SessionPool& pool, SessionSlot& slot) : pool_(&pool), slot_(&slot) {}
    Lease(Lease&& other) noexcept
        : pool_(other.pool_), slot_(std::exchange(other.slot_, nullptr)), keep_(other.keep_) {}
    Lease& operator=(Lease&&) = delete;
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() {
      if (slot_) pool_->give_back(*slot_, keep_);
    }

    SessionSlot& slot() { return *slot_; }
    Session session() { return {pool_->cryptoki_, slot_->session}; }
    /// Everything went well: the session may serve others. Without this it is closed, because a
    /// session that has seen an error may still be in the middle of an operation.
    void keep() { keep_ = true; }

   private:
    SessionPool* pool_;
    SessionSlot* slot_;
    bool keep_ = false;
  };

  /// Opens as many sessions as the token grants, up to the number wanted; at least one.
  Result<> open_sessions();
  Result<Lease> take(std::chrono::steady_clock::time_point deadline);
  /// Closes every session, those that are lent when they come back; each is opened anew when it is needed.
  void renew();
  /// Sends those who wait away: this generation is over.
  void close();
  unsigned size() { return lent_.lock()->permits; }
  std::size_t waiting() { return lent_.lock()->waiting.size(); }

 private:
  using Waiter = Handover<SessionSlot*>;  // of null when the pool is closed
  struct Queue {
    std::vector<SessionSlot*> idle;
    std::deque<Waiter*> waiting;
    unsigned permits = 0;
    unsigned age = 0;  ///< how many times it was renewed
    bool closed = false;
  };

  Result<SessionSlot*> wait_for_slot(std::chrono::steady_clock::time_point deadline);
  Result<> open_session(SessionSlot& slot);
  void discard_session(SessionSlot& slot);
  void give_back(SessionSlot& slot, bool keep);

  Cryptoki& cryptoki_;
  const CK_SLOT_ID token_slot_;
  std::vector<SessionSlot> slots_;
  Guarded<Queue> lent_;
};

}  // namespace hubseal::hsm
