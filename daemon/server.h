#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/guarded.h"
#include "common/unique_fd.h"
#include "common/wire/line_channel.h"
#include "daemon/listeners.h"
#include "daemon/peer.h"
#include "daemon/places.h"

namespace hubseal::daemon {

/// Sockets, and nothing else: accepts, learns from the kernel who is there, closes on strangers
/// unread, reads a line, hands it over, writes the answer.
/// Owns: the listening sockets and a thread per connection.
/// Threads: run() in one thread; stop() from any, also from a signal handler's thread.
class Server {
 public:
  struct Limits {
    unsigned max_connections;  ///< per socket; some of them for uids that hold few (Places)
    std::chrono::milliseconds line_timeout;
    std::chrono::milliseconds idle_timeout;
    std::chrono::milliseconds drain;
  };
  using Handler = std::function<std::string(const Peer&, std::string_view line)>;
  /// Answers what could not be read as a line.
  using Refuser = std::function<std::string(const Peer&, const Error&)>;

  Server(std::vector<Listener> listeners, std::vector<PeerRule> rules, Limits limits, Handler handler, Refuser refuser);
  ~Server();

  /// Serves until stop(); then lets the requests under way finish, at most `drain`. False when some
  /// were still under way: their threads go on, and the process must end without destroying anything.
  bool run();
  void stop();

 private:
  struct State {
    struct Connection {
      Role role;
      uid_t uid;
    };
    std::map<int, Connection> connections;  // by descriptor
    std::map<Role, Places> places;
  };

  void accept_one(const Listener& listener);
  void serve(UniqueFd fd, Role role);
  void converse(wire::LineChannel& channel, const Peer& peer);
  bool enter(int fd, Role role);
  void leave(int fd);
  bool drain();

  const std::vector<Listener> listeners_;
  const std::vector<PeerRule> rules_;
  const Limits limits_;
  const Handler handler_;
  const Refuser refuser_;
  UniqueFd wake_;  // eventfd: readable once stop() was called
  Guarded<State> state_;
  std::condition_variable left_;
};

}  // namespace hubseal::daemon
