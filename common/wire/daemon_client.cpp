#include "common/wire/daemon_client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/wire/message.h"

namespace hubseal::wire {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// At least a millisecond: zero would mean no limit to setsockopt.
milliseconds left(steady_clock::time_point until) {
  return std::max(milliseconds(1), std::chrono::ceil<milliseconds>(until - steady_clock::now()));
}

/// 0, or the number of what went wrong. The send timeout bounds connect() as well, which waits while the daemon's
/// backlog is full; with one, each signal interrupts it, whatever its handler asks for.
int connect_by(int fd, const sockaddr_un& address, steady_clock::time_point until) {
  while (true) {
    const auto limit = std::chrono::duration_cast<std::chrono::microseconds>(left(until));
    const timeval wait{.tv_sec = limit.count() / 1'000'000, .tv_usec = limit.count() % 1'000'000};
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return 0;
    if (errno != EINTR || steady_clock::now() >= until) return errno;
  }
}

}  // namespace

/// The right to one of the connections.
class DaemonClient::Place {
 public:
  explicit Place(DaemonClient& client) : client_(client) {}
  ~Place() {
    auto pool = client_.pool_.lock();
    if (taken_) --pool->lent;
    client_.returned_.notify_one();
  }
  Place(const Place&) = delete;  // what is lent is given back once
  Place& operator=(const Place&) = delete;

  Result<LineChannel> borrow(Deadline until) {
    auto pool = client_.pool_.lock();
    taken_ = pool.wait_until(client_.returned_, until, [&] { return pool->lent < client_.connections_; });
    if (!taken_)
      return fail(Code::hsm_busy, fmt::format("all {} connections to hubseald at {} are in use, and none became free",
                                              client_.connections_, client_.socket_path_));
    ++pool->lent;
    while (!pool->idle.empty()) {
      LineChannel channel = std::move(pool->idle.back());
      pool->idle.pop_back();
      if (!channel.stale()) return channel;
    }
    pool.unlock();
    return client_.connect(until);
  }
  void give_back(LineChannel channel) { client_.pool_.lock()->idle.push_back(std::move(channel)); }

 private:
  DaemonClient& client_;
  bool taken_ = false;
};

DaemonClient::DaemonClient(std::string socket_path, milliseconds deadline, std::size_t connections, Observer observer)
    : socket_path_(std::move(socket_path)),
      deadline_(deadline),
      connections_(connections),
      observer_(std::move(observer)) {}

Result<LineChannel> DaemonClient::connect(Deadline until) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path_.size() >= sizeof address.sun_path)
    return fail(Code::bad_request,
                fmt::format("socket path {} has over {} bytes", socket_path_, sizeof address.sun_path - 1));
  std::memcpy(address.sun_path, socket_path_.data(), socket_path_.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int problem = fd ? connect_by(fd.get(), address, until) : errno;
  if (problem != 0)
    return fail(Code::hsm_unavailable,
                fmt::format("hubseald is not reachable at {}: {}{}", socket_path_, std::strerror(problem),
                            problem == EACCES ? "; is this user in the socket's group?" : ""));
  return LineChannel(std::move(fd));
}

Result<std::string> DaemonClient::exchange(const std::string& line) {
  const Deadline until = steady_clock::now() + deadline_;
  Place place(*this);
  LineChannel channel = TRY(place.borrow(until));
  const auto sent = channel.write_line(line, left(until));
  // The daemon closes on peers it does not know and on lines it cannot frame, sometimes before it
  // has read them; what it said first is still there to be read.
  auto reply = channel.read_line(left(until), left(until));
  if (!reply || !*reply)
    return fail(Code::hsm_unavailable,
                fmt::format("hubseald at {} gave no answer: {}", socket_path_,
                            !reply                     ? reply.error().message
                            : !sent || channel.stale() ? "it closed the connection without a word"
                                                       : "it took too long"));
  if (sent) place.give_back(std::move(channel));
  return **std::move(reply);
}

Result<Json> DaemonClient::call(std::string_view op, const Json& fields) {
  const auto start = steady_clock::now();
  const std::string id = fmt::format("c-{}", next_id_++);
  auto reply = exchange(encode_request({id, std::string(op), fields})).and_then([&](const std::string& line) {
    return decode_reply(line, id);
  });
  if (observer_) observer_(op, reply, steady_clock::now() - start);
  return reply;
}

Result<std::string> DaemonClient::call_raw(const std::string& line) { return exchange(line); }

}  // namespace hubseal::wire
