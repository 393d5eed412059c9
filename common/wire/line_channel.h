#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"
#include "common/unique_fd.h"

namespace hubseal::wire {

/// One end of a stream socket that carries lines.
/// Owns: the descriptor and what has been read beyond the last line.
/// Threads: one at a time.
/// Units: a line is at most kMaxLineBytes and is handed over without its line feed.
class LineChannel {
 public:
  using Duration = std::chrono::milliseconds;

  /// `fd` must block.
  explicit LineChannel(UniqueFd fd);

  /// The next line; nothing when the peer closed between two lines or stayed silent for `idle`.
  /// A line that has begun must be complete within `line` (one deadline for all of it, so that a
  /// peer that sends a byte at a time gains nothing).
  /// Errors: too_large, bad_request (the peer closed or stalled in the middle of a line).
  Result<std::optional<std::string>> read_line(Duration idle, Duration line);

  /// Writes `line` and a line feed within `limit`.
  Result<> write_line(std::string line, Duration limit);

  /// Whether the peer has closed or sent something unasked: such a channel is not to be reused.
  bool stale() const;

  int fd() const { return fd_.get(); }

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  std::optional<std::string> take_line();
  Result<ssize_t> receive(char* chunk, std::size_t size, SteadyTime deadline, Duration idle);
  Result<> set_receive_timeout(Duration timeout);

  UniqueFd fd_;
  Duration receive_timeout_{-1};  // SO_RCVTIMEO of fd_, once it is set
  std::string buffer_;
  std::size_t searched_ = 0;  // bytes of buffer_ known to hold no line feed
};

}  // namespace hubseal::wire
