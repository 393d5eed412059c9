#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "common/guarded.h"
#include "common/json.h"
#include "common/result.h"
#include "common/wire/line_channel.h"

namespace hubseal::wire {

/// Asks hubseald over one of its Unix sockets.
/// Owns: a pool of connections, opened as needed and kept.
/// Threads: share it freely; each call has a connection to itself.
/// Errors: the daemon's own, or hsm_unavailable when it cannot be reached or does not answer in
/// time. A request that may have reached the daemon is never sent again by itself: callers repeat
/// with the same `request` field, which the daemon answers with the same certificate.
class DaemonClient {
 public:
  DaemonClient(std::string socket_path, std::chrono::milliseconds deadline);

  /// The `ok` object of the reply to operation `op` with these fields.
  Result<Json> call(std::string_view op, const Json& fields);
  /// Sends a line as it is and returns the line that answers it (`hubseal raw`).
  Result<std::string> call_raw(const std::string& line);

  const std::string& socket_path() const { return socket_path_; }

 private:
  Result<LineChannel> connect() const;
  Result<LineChannel> borrow();
  Result<std::string> exchange(const std::string& line);

  const std::string socket_path_;
  const std::chrono::milliseconds deadline_;
  std::atomic<std::uint64_t> next_id_{1};
  Guarded<std::vector<LineChannel>> idle_;
};

}  // namespace hubseal::wire
