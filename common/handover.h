#pragma once

#include <semaphore.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <optional>
#include <utility>

namespace hubseal {

/// One value, once, on its way from one thread to another, which waits for it.
/// A queue of waiters with a handover each is cheaper than one condition for all of them: exactly the
/// thread that may go on is woken, and it wakes up to no lock. POSIX lets the taker destroy a
/// semaphore as soon as its wait has returned, while sem_post of the putter is still on its way out;
/// a mutex and a condition would have to be kept until both are done with them.
/// Owns: the value until it is taken.
template <class T>
class Handover {
 public:
  Handover() { ::sem_init(&there_, 0, 0); }
  Handover(const Handover&) = delete;  // waiters know its address
  Handover& operator=(const Handover&) = delete;
  ~Handover() { ::sem_destroy(&there_); }

  void put(T value) {
    value_ = std::move(value);
    ready_.store(true, std::memory_order_release);
    ::sem_post(&there_);
  }

  T take() {
    while (::sem_wait(&there_) != 0) continue;  // EINTR
    return taken();
  }

  /// nullopt when nothing came before the deadline.
  std::optional<T> take_until(std::chrono::steady_clock::time_point deadline) {
    const auto since = deadline.time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
    const timespec until{.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(since - seconds).count()};
    while (::sem_clockwait(&there_, CLOCK_MONOTONIC, &until) != 0)
      if (errno != EINTR) return std::nullopt;
    return taken();
  }

 private:
  T taken() {
    // The semaphore orders it already; the flag says so to ThreadSanitizer, which knows sem_wait but
    // not sem_clockwait.
    (void)ready_.load(std::memory_order_acquire);
    return *std::move(value_);
  }

  sem_t there_;
  std::atomic<bool> ready_{false};
  std::optional<T> value_;
};

}  // namespace hubseal
