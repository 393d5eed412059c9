#pragma once

#include <chrono>
#include <condition_variable>
#include <list>
#include <thread>

#include "common/guarded.h"
#include "common/unique_fd.h"

namespace hubseal::agent::auth {

/// Gives calls over sockets a deadline as a whole: a socket's own timeout starts anew with every byte, so a peer that
/// sends one now and then would be waited for without end.
/// Owns: a thread, and a second descriptor of each socket, so that it never touches a number that was given to somebody
/// else meanwhile. Threads: share it freely; a Call stays with the thread that made it.
class CallWatch {
 public:
  using Time = std::chrono::steady_clock::time_point;

  CallWatch();
  ~CallWatch();

  /// A call that is under way. Its socket comes to its end, for whoever waits at it, when the deadline passes or the
  /// watch is stopped. Errors: throws std::system_error where there is no descriptor left: a call that nobody could
  /// end is not begun.
  class Call {
   public:
    Call(CallWatch& watch, int fd, Time deadline);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    bool ended() const;

   private:
    friend class CallWatch;
    struct State {
      UniqueFd fd;
      Time deadline;
      bool ended = false;
    };
    CallWatch& watch_;
    std::list<State>::iterator state_;
  };

  /// Ends all calls, and those that follow.
  void stop();

 private:
  struct Board {
    std::list<Call::State> calls;
    unsigned begun = 0;  ///< calls, ever
    bool stopped = false;
    bool gone = false;
  };

  void run();

  Guarded<Board> board_;
  std::condition_variable changed_;
  std::thread thread_;
};

}  // namespace hubseal::agent::auth
