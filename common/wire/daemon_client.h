#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/guarded.h"
#include "common/json.h"
#include "common/result.h"
#include "common/wire/line_channel.h"

namespace hubseal::wire {

/// Asks hubseald over one of its Unix sockets.
/// Owns: a pool of connections, opened as needed and kept; never more than so many, or hubseald, which has a limit of
/// its own, would refuse the rest. Who finds all of them in use waits. Threads: share it freely; each call has a
/// connection to itself. Errors: the daemon's own; hsm_unavailable when it cannot be reached or does not answer in
/// time; hsm_busy when no connection became free in that time. A request that may have reached the daemon is never sent
/// again by itself: callers repeat with the same `request` field, which the daemon answers with the same certificate.
class DaemonClient {
 public:
  /// With the 4 of the agent's questions after health: far below what one user gets of hubseald's 64.
  static constexpr std::size_t kConnections = 32;
  /// Told of each call when it has ended, by the thread that made it.
  using Observer =
      std::function<void(std::string_view op, const Result<Json>& reply, std::chrono::steady_clock::duration took)>;
  DaemonClient(std::string socket_path, std::chrono::milliseconds deadline, std::size_t connections = kConnections,
               Observer observer = nullptr);

  /// The `ok` object of the reply to operation `op` with these fields.
  Result<Json> call(std::string_view op, const Json& fields);
  /// Sends a line as it is and returns the line that answers it (`hubseal raw`).
  Result<std::string> call_raw(const std::string& line);

  const std::string& socket_path() const { return socket_path_; }

 private:
  using Deadline = std::chrono::steady_clock::time_point;
  struct Pool {
    std::size_t lent = 0;  ///< calls under way
    std::vector<LineChannel> idle;
  };
  class Place;

  Result<LineChannel> connect(Deadline until) const;
  Result<std::string> exchange(const std::string& line);

  const std::string socket_path_;
  const std::chrono::milliseconds deadline_;
  const std::size_t connections_;
  const Observer observer_;
  std::atomic<std::uint64_t> next_id_{1};
  Guarded<Pool> pool_;
  std::condition_variable returned_;
};

}  // namespace hubseal::wire
