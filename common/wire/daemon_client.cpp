#include "common/wire/daemon_client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/wire/message.h"

namespace hubseal::wire {
namespace {

constexpr std::size_t kMaxIdle = 64;

}  // namespace

DaemonClient::DaemonClient(std::string socket_path, std::chrono::milliseconds deadline)
    : socket_path_(std::move(socket_path)), deadline_(deadline) {}

Result<LineChannel> DaemonClient::connect() const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path_.size() >= sizeof address.sun_path)
    return fail(Code::bad_request,
                fmt::format("socket path {} has over {} bytes", socket_path_, sizeof address.sun_path - 1));
  std::memcpy(address.sun_path, socket_path_.data(), socket_path_.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // The send timeout bounds connect() as well, which waits while the daemon's backlog is full.
  const auto limit = std::chrono::duration_cast<std::chrono::microseconds>(deadline_);
  const timeval wait{.tv_sec = limit.count() / 1'000'000, .tv_usec = limit.count() % 1'000'000};
  if (fd) ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int problem = errno;
    return fail(Code::hsm_unavailable,
                fmt::format("hubseald is not reachable at {}: {}{}", socket_path_, std::strerror(problem),
                            problem == EACCES ? "; is this user in the socket's group?" : ""));
  }
  return LineChannel(std::move(fd));
}

Result<LineChannel> DaemonClient::borrow() {
  auto idle = idle_.lock();
  while (!idle->empty()) {
    LineChannel channel = std::move(idle->back());
    idle->pop_back();
    if (!channel.stale()) return channel;
  }
  idle.unlock();
  return connect();
}

Result<std::string> DaemonClient::exchange(const std::string& line) {
  LineChannel channel = TRY(borrow());
  const auto sent = channel.write_line(line, deadline_);
  // The daemon closes on peers it does not know and on lines it cannot frame, sometimes before it
  // has read them; what it said first is still there to be read.
  auto reply = channel.read_line(deadline_, deadline_);
  if (!reply || !*reply)
    return fail(Code::hsm_unavailable,
                fmt::format("hubseald at {} gave no answer: {}", socket_path_,
                            !reply                     ? reply.error().message
                            : !sent || channel.stale() ? "it closed the connection without a word"
                                                       : "it took too long"));
  auto idle = idle_.lock();
  if (sent && idle->size() < kMaxIdle) idle->push_back(std::move(channel));
  return **std::move(reply);
}

Result<Json> DaemonClient::call(std::string_view op, const Json& fields) {
  const std::string id = fmt::format("c-{}", next_id_++);
  return decode_reply(TRY(exchange(encode_request({id, std::string(op), fields}))), id);
}

Result<std::string> DaemonClient::call_raw(const std::string& line) { return exchange(line); }

}  // namespace hubseal::wire
