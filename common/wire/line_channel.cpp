#include "common/wire/line_channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "common/wire/limits.h"

namespace hubseal::wire {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::size_t kChunkBytes = 16 * 1024;

/// Waits until `fd` is ready for `events`; false when the deadline passes first.
Result<bool> wait_for(int fd, short events, SteadyTime deadline) {
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

Result<std::optional<std::string>> LineChannel::read_line(Duration idle, Duration line) {
  const auto start = std::chrono::steady_clock::now();
  SteadyTime deadline = buffer_.empty() ? start + idle : start + line;
  while (true) {
    if (auto complete = take_line()) return complete;
    if (buffer_.size() > kMaxLineBytes) return fail(Code::too_large, "line over 1 MiB");
    // Try before waiting: under load the bytes are there already and a poll is saved.
    char chunk[kChunkBytes];
    const ssize_t got = ::recv(fd_.get(), chunk, sizeof chunk, MSG_DONTWAIT);
    if (got > 0) {
      if (buffer_.empty()) deadline = std::chrono::steady_clock::now() + line;
      buffer_.append(chunk, static_cast<std::size_t>(got));
      continue;
    }
    if (got == 0 || errno == ECONNRESET) {
      if (buffer_.empty()) return std::nullopt;
      return fail(Code::bad_request, "connection closed in the middle of a line");
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return fail(Code::internal, std::string("recv: ") + std::strerror(errno));
    if (!TRY(wait_for(fd_.get(), POLLIN, deadline))) {
      if (buffer_.empty()) return std::nullopt;
      return fail(Code::bad_request, "line was not finished in time");
    }
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
