#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace hubseal {

/// One value on its way from one thread to another, which waits for it.
/// A queue of waiters with a handover each is cheaper than one condition for all of them: exactly the
/// thread that may go on is woken, and it wakes up to a lock that nobody else is after.
/// Owns: the value until it is taken. The thread that takes may destroy the handover right away.
template <class T>
class Handover {
 public:
  void put(T value) {
    const std::lock_guard lock(mutex_);
    value_ = std::move(value);
    // Under the lock: once it is released, the taker may be gone with all of this.
    there_.notify_one();
  }

  T take() {
    std::unique_lock lock(mutex_);
    there_.wait(lock, [this] { return value_.has_value(); });
    return *std::exchange(value_, std::nullopt);
  }

  /// nullopt when nothing came before the deadline.
  template <class Deadline>
  std::optional<T> take_until(const Deadline& deadline) {
    std::unique_lock lock(mutex_);
    there_.wait_until(lock, deadline, [this] { return value_.has_value(); });
    return std::exchange(value_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::condition_variable there_;
  std::optional<T> value_;
};

}  // namespace hubseal
