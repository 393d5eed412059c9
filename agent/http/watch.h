#pragma once

#include <chrono>
#include <condition_variable>
#include <list>
#include <string>
#include <thread>

#include "common/guarded.h"
#include "common/unique_fd.h"

namespace hubseal::agent::http {

/// What a connection is doing.
enum class Phase {
  idle,       ///< between requests
  reading,    ///< a request has begun to come in
  working,    ///< the handler has it; the services have deadlines of their own
  writing,    ///< the answer goes out
  lingering,  ///< answered, and about to be closed; the rest of an unwanted body is thrown away
};

struct Deadlines {
  std::chrono::milliseconds idle;
  std::chrono::milliseconds request;  ///< to read one, and to write its answer
};

/// Ends connections that take too long. A socket's own timeout starts anew with every byte, so a
/// client that sends one now and then would keep its thread for ever; here a whole request has one
/// deadline. And while more than half of the places are taken, an address may have a quarter of them waiting for more
/// than two seconds for what it sends: of more, those that have waited longest are ended, so that half a request on
/// each place keeps nobody out; nor do requests that never end, since who has more than a quarter then, or has been
/// there for five minutes, is told to connect anew. It is not the newcomer that is refused, because today everybody
/// comes from the same address, the host's own. Owns: a thread, and a second descriptor of every connection, so that it
/// never touches a number that the connection has closed and somebody else was given. Threads: share it freely; an
/// Entry stays with the thread that made it.
class Watch {
 public:
  /// `places`: how many connections there are at most.
  Watch(Deadlines deadlines, std::size_t places);
  ~Watch();

  /// A connection under watch, as long as it exists.
  class Entry {
   public:
    Entry(Watch& watch, int fd, std::string address);
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    void enter(Phase phase);
    /// Whether a deadline passed: reading then meets the end of the stream.
    bool expired() const;
    /// Whether it was ended to make room.
    bool crowded_out() const;
    /// Whether its next answer is to be its last: it is old, or its address has more than its share of the places while
    /// they are scarce, however quick it is with its requests.
    bool is_to_go() const;

   private:
    friend class Watch;
    struct State {
      UniqueFd fd;
      std::string address;
      std::chrono::steady_clock::time_point born;
      Phase phase = Phase::idle;
      std::chrono::steady_clock::time_point since;  ///< when the phase began
      std::chrono::steady_clock::time_point deadline;
      bool expired = false;
      bool crowded_out = false;

      bool waits() const { return !expired && (phase == Phase::idle || phase == Phase::reading); }
    };
    Watch& watch_;
    std::list<State>::iterator state_;
  };

  bool draining() const;
  /// Lets requests in progress finish, closes idle connections, and after `limit` all others.
  void drain(std::chrono::milliseconds limit);

 private:
  struct Board {
    std::list<Entry::State> entries;
    bool draining = false;
    bool stopping = false;
  };

  std::chrono::steady_clock::time_point deadline_of(Phase phase) const;
  static void end(Entry::State& state);
  void make_room(Board& board, std::chrono::steady_clock::time_point now) const;
  void run();

  const Deadlines deadlines_;
  const std::size_t places_;
  mutable Guarded<Board> board_;
  std::condition_variable changed_;
  std::thread thread_;
};

}  // namespace hubseal::agent::http
