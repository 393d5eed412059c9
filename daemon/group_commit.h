#pragma once

#include <functional>
#include <mutex>
#include <span>
#include <vector>

#include "common/handover.h"

namespace hubseal::daemon {

/// Lets concurrent writers share one expensive step, such as a sync of the disk.
/// Whoever waits and finds nobody at work does the step for all items queued so far; whoever finds
/// it in progress waits until its own item is done, or until it is called to do the next step. A step
/// that takes its items one by one lets those join it who come meanwhile. No timer, no thread of its
/// own: one writer alone pays nothing for it, and each writer wakes once.
/// Owns: nothing; an item must live until wait() has returned for it.
/// Threads: any; `flush` runs in one thread at a time.
template <class Item>
class GroupCommit {
 public:
  /// The items of one step.
  class Batch {
   public:
    std::span<Item* const> items() const { return items_; }
    /// Takes in who has come since; those, or nobody.
    std::span<Item* const> join() {
      const std::size_t before = items_.size();
      const std::lock_guard lock(commit_.mutex_);
      items_.insert(items_.end(), commit_.queue_.begin(), commit_.queue_.end());
      commit_.queue_.clear();
      return items().subspan(before);
    }

   private:
    friend class GroupCommit;
    explicit Batch(GroupCommit& commit) : commit_(commit) { join(); }
    GroupCommit& commit_;
    std::vector<Item*> items_;
  };
  using Flush = std::function<void(Batch&)>;

  /// What an Item derives from. Only touched by GroupCommit.
  class Ticket {
    friend class GroupCommit;
    enum class Call { done, lead };
    bool flushed_ = false;  // these two are guarded by mutex_ of the GroupCommit
    bool waiting_ = false;
    Handover<Call> call_;
  };

  explicit GroupCommit(Flush flush) : flush_(std::move(flush)) {}

  void enqueue(Item& item) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(&item);
  }

  void wait(Ticket& ticket) {
    {
      const std::lock_guard lock(mutex_);
      if (ticket.flushed_) return;
      ticket.waiting_ = flushing_;
      flushing_ = true;
    }
    if (!ticket.waiting_ || ticket.call_.take() == Ticket::Call::lead) lead(ticket);
  }

 private:
  using Call = typename Ticket::Call;

  /// noexcept: a flush that throws leaves nobody knowing what is on the disk. The process ends, and the
  /// next one reads back what is there.
  void lead(Ticket& own) noexcept {
    Batch batch(*this);
    flush_(batch);

    std::vector<Ticket*> done;
    Ticket* next = nullptr;
    {
      const std::lock_guard lock(mutex_);
      for (Ticket* ticket : batch.items()) {
        ticket->flushed_ = true;
        if (ticket->waiting_ && ticket != &own) done.push_back(ticket);
      }
      for (Ticket* ticket : queue_)
        if (ticket->waiting_ && !next) next = ticket;
      flushing_ = next != nullptr;
    }
    // The disk first, then the answers. Who does not wait yet may be gone by now and is not touched.
    if (next) next->call_.put(Call::lead);
    for (Ticket* ticket : done) ticket->call_.put(Call::done);
  }

  const Flush flush_;
  std::mutex mutex_;
  std::vector<Item*> queue_;
  bool flushing_ = false;
};

}  // namespace hubseal::daemon
