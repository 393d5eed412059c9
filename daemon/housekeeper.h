#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/guarded.h"

namespace hubseal::daemon {

/// Does what is due from time to time, one task after the other, in a thread of its own. A task that
/// throws is logged and asked again a minute later; it takes nobody with it.
/// Threads: add() before start(); wake() from any.
class Housekeeper {
 public:
  using Duration = std::chrono::milliseconds;
  /// Does what is due, and says how long nothing will be.
  using Work = std::function<Duration()>;

  Housekeeper() = default;
  Housekeeper(const Housekeeper&) = delete;  // its thread exists once
  Housekeeper& operator=(const Housekeeper&) = delete;
  /// Waits for the task under way.
  ~Housekeeper();

  void add(std::string name, Work work);
  void start();
  /// Asks every task now: something has happened that may make it due.
  void wake();
  /// In words: a task that has not come back for half a minute, and keeps all others waiting.
  std::optional<std::string> hanging() const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Task {
    std::string name;
    Work work;
    Time due{};
  };
  struct Signals {
    bool stop = false;
    bool wake = false;
    std::string task;  ///< under way; empty between two
    Time since{};
  };

  void run();
  Time run_due(bool all);
  void note(const std::string& task);

  std::vector<Task> tasks_;  // only touched by the thread once it runs
  mutable Guarded<Signals> signals_;
  std::condition_variable changed_;
  std::thread thread_;
};

}  // namespace hubseal::daemon
