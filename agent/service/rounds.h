#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <thread>

#include "common/guarded.h"

namespace hubseal::agent {

/// The same again and again, with a pause from the end of one round to the beginning of the next. Owns: a thread.
class Rounds {
 public:
  /// Says whether another one is to follow. Must come to an end by itself.
  using Round = std::function<bool()>;

  /// Begins the first one at once.
  Rounds(std::chrono::milliseconds pause, Round round);
  /// Waits for the one that is under way.
  ~Rounds();

  /// Begins none any more.
  void stop();
  bool stopping();

 private:
  void run();

  const std::chrono::milliseconds pause_;
  const Round round_;
  std::condition_variable stopped_;
  Guarded<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace hubseal::agent
