#include "common/wire/line_channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "common/wire/limits.h"

namespace hubseal::wire {
namespace {

constexpr std::size_t kChunkBytes = 16 * 1024;
constexpr ssize_t kSilence = -1;  ///< nothing came in time

/// Waits until `fd` is ready for `events`; false when the deadline passes first.
Result<bool> wait_for(int fd, short events, std::chrono::steady_clock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd waiting{fd, events, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready == 0) return false;
    if (errno != EINTR) return fail(Code::internal, std::string("poll: ") + std::strerror(errno));
  }
}

}  // namespace

LineChannel::LineChannel(UniqueFd fd) : fd_(std::move(fd)) {}

std::optional<std::string> LineChannel::take_line() {
  const std::size_t end = buffer_.find('\n', searched_);
  searched_ = buffer_.size();
  if (end == std::string::npos) return std::nullopt;
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  searched_ = 0;
  return line;
}

Result<ssize_t> LineChannel::receive(char* chunk, std::size_t size, SteadyTime deadline, Duration idle) {
  const SteadyTime silent_until = std::chrono::steady_clock::now() + idle;
  while (true) {
    // Between two lines there is nothing to read as a rule: one call that blocks does what would
    // otherwise take three. Once a line has begun, one deadline counts for all of it.
    if (buffer_.empty()) TRY(set_receive_timeout(idle));
    const ssize_t got = ::recv(fd_.get(), chunk, size, buffer_.empty() ? 0 : MSG_DONTWAIT);
    if (got >= 0) return got;
    if (errno == ECONNRESET) return 0;
    if (errno == EINTR) {
      // What is left of the wait, not all of it again: in a program with a timer it would never end.
      idle = std::chrono::ceil<Duration>(silent_until - std::chrono::steady_clock::now());
      if (buffer_.empty() && idle.count() <= 0) return kSilence;
      continue;
    }
    if (errno != EAGAIN) return fail(Code::internal, std::string("recv: ") + std::strerror(errno));
    if (buffer_.empty() || !TRY(wait_for(fd_.get(), POLLIN, deadline))) return kSilence;
  }
}

Result<> LineChannel::set_receive_timeout(Duration timeout) {
  if (timeout == receive_timeout_) return {};
  const auto at_least = std::max<std::chrono::microseconds>(timeout, std::chrono::microseconds(1));  // 0: for ever
  const timeval value{.tv_sec = at_least.count() / 1'000'000, .tv_usec = at_least.count() % 1'000'000};
  if (::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value) != 0)
    return fail(Code::internal, std::string("SO_RCVTIMEO: ") + std::strerror(errno));
  receive_timeout_ = timeout;
  return {};
}

Result<std::optional<std::string>> LineChannel::read_line(Duration idle, Duration line) {
  SteadyTime deadline = std::chrono::steady_clock::now() + line;
  while (true) {
    if (auto complete = take_line()) return complete;
    if (buffer_.size() > kMaxLineBytes)
      return fail(Code::too_large,
                  fmt::format("{} bytes without a line feed; a line may have {} bytes", buffer_.size(), kMaxLineBytes));
    char chunk[kChunkBytes];
    const ssize_t got = TRY(receive(chunk, sizeof chunk, deadline, idle));
    if (got <= 0 && buffer_.empty()) return std::nullopt;
    if (got == 0)
      return fail(Code::bad_request, fmt::format("the connection was closed after {} bytes of a line; wanted its line "
                                                 "feed first",
                                                 buffer_.size()));
    if (got == kSilence)
      return fail(Code::bad_request, fmt::format("{} bytes of a line and no line feed; wanted the whole line within {} "
                                                 "ms",
                                                 buffer_.size(), line.count()));
    if (buffer_.empty()) deadline = std::chrono::steady_clock::now() + line;
    buffer_.append(chunk, static_cast<std::size_t>(got));
  }
}

Result<> LineChannel::write_line(std::string line, Duration limit) {
  line += '\n';
  const auto deadline = std::chrono::steady_clock::now() + limit;
  std::string_view left = line;
  while (!left.empty()) {
    const ssize_t put = ::send(fd_.get(), left.data(), left.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put >= 0) {
      left.remove_prefix(static_cast<std::size_t>(put));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return fail(Code::internal, std::string("send: ") + std::strerror(errno));
    if (!TRY(wait_for(fd_.get(), POLLOUT, deadline)))
      return fail(Code::internal, "peer does not read what it asked for");
  }
  return {};
}

bool LineChannel::stale() const {
  char byte;
  const ssize_t got = ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return !buffer_.empty() || got >= 0 || (errno != EAGAIN && errno != EINTR);
}

}  // namespace hubseal::wire
