#pragma once

#include <condition_variable>
#include <mutex>
#include <utility>

namespace hubseal {

/// A value and the lock that guards it: there is no way in without the lock.
///   Guarded<std::vector<Session>> idle_;
///   idle_.lock()->push_back(std::move(session));
template <class T>
class Guarded {
 public:
  template <class... Args>
  explicit Guarded(Args&&... args) : value_(std::forward<Args>(args)...) {}

  class Handle {
   public:
    T* operator->() { return value_; }
    T& operator*() { return *value_; }
    /// Gives the lock up until `ready` holds; `condition` must always be used with this value.
    template <class Ready>
    void wait(std::condition_variable& condition, Ready ready) {
      condition.wait(lock_, std::move(ready));
    }
    template <class Deadline, class Ready>
    bool wait_until(std::condition_variable& condition, const Deadline& deadline, Ready ready) {
      return condition.wait_until(lock_, deadline, std::move(ready));
    }
    void unlock() { lock_.unlock(); }
    void relock() { lock_.lock(); }

   private:
    friend class Guarded;
    Handle(std::mutex& mutex, T& value) : lock_(mutex), value_(&value) {}
    std::unique_lock<std::mutex> lock_;
    T* value_;
  };

  [[nodiscard]] Handle lock() { return Handle(mutex_, value_); }

 private:
  std::mutex mutex_;
  T value_;
};

}  // namespace hubseal
