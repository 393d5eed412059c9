#include "tests/bench/crowd.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <stdexcept>

#include "tests/support/unix_socket.h"

namespace hubseal::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kPatienceMs = 60'000;

struct Client {
  UniqueFd fd;
  std::string received;
  Clock::time_point asked;
};

UniqueFd connected(int family, const sockaddr* address, socklen_t size, const std::string& where) {
  UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd || ::connect(fd.get(), address, size) != 0) throw std::runtime_error("connect " + where);
  return fd;
}

void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put < 0 && errno != EINTR) throw std::runtime_error("send: the service hung up");
    if (put > 0) bytes.remove_prefix(static_cast<std::size_t>(put));
  }
}

/// True once the reply to the request in flight is whole; it is checked and taken away.
bool take_reply(Client& client, const Service& service) {
  char chunk[16 * 1024];
  const ssize_t got = ::recv(client.fd.get(), chunk, sizeof chunk, MSG_DONTWAIT);
  if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) throw std::runtime_error("recv: the service hung up");
  if (got > 0) client.received.append(chunk, static_cast<std::size_t>(got));
  const std::size_t size = service.reply_size(client.received);
  if (size == 0) return false;
  if (client.received.find(service.good) >= size) throw std::runtime_error("refused: " + client.received);
  client.received.erase(0, size);
  return true;
}

}  // namespace

std::size_t line_size(std::string_view received) { return received.find('\n') + 1; }

std::size_t http_reply_size(std::string_view received) {
  constexpr std::string_view kLength = "\r\nContent-Length: ";
  const std::size_t header_end = received.find("\r\n\r\n");
  const std::size_t length_at = received.find(kLength);
  if (header_end == std::string_view::npos) return 0;
  if (length_at > header_end) throw std::runtime_error("no Content-Length in " + std::string(received));
  std::size_t length = 0;
  std::from_chars(received.data() + length_at + kLength.size(), received.data() + header_end, length);
  const std::size_t size = header_end + 4 + length;
  return received.size() >= size ? size : 0;
}

UniqueFd connect_unix(const std::string& path) {
  const sockaddr_un address = test::unix_address(path);
  return connected(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address, path);
}

UniqueFd connect_loopback(unsigned port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<in_port_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  UniqueFd fd = connected(AF_INET, reinterpret_cast<const sockaddr*>(&address), sizeof address,
                          "127.0.0.1:" + std::to_string(port));
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

Measurement run_crowd(const Service& service, unsigned connections, Seconds time,
                      const std::function<std::optional<std::string_view>()>& next) {
  const UniqueFd events(::epoll_create1(EPOLL_CLOEXEC));
  std::vector<Client> clients(connections);
  for (Client& client : clients) {
    client.fd = service.connect();
    epoll_event readable{.events = EPOLLIN, .data = {.ptr = &client}};
    if (::epoll_ctl(events.get(), EPOLL_CTL_ADD, client.fd.get(), &readable) != 0)
      throw std::runtime_error("epoll_ctl");
  }
  std::vector<double> latencies;
  const auto start = Clock::now();
  const auto end = start + std::chrono::duration_cast<Clock::duration>(time);
  unsigned in_flight = 0;
  const auto ask = [&](Client& client) {
    client.asked = Clock::now();
    const auto request = client.asked < end ? next() : std::nullopt;
    if (!request) return;
    send_all(client.fd.get(), *request);
    ++in_flight;
  };
  for (Client& client : clients) ask(client);
  while (in_flight > 0) {
    epoll_event ready[64];
    const int count = ::epoll_wait(events.get(), ready, 64, kPatienceMs);
    if (count == 0 || (count < 0 && errno != EINTR)) throw std::runtime_error("no reply in a minute");
    for (int i = 0; i < count; ++i) {
      Client& client = *static_cast<Client*>(ready[i].data.ptr);
      if (!take_reply(client, service)) continue;
      latencies.push_back(std::chrono::duration<double, std::micro>(Clock::now() - client.asked).count());
      --in_flight;
      ask(client);
    }
  }
  const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
  return {static_cast<double>(latencies.size()) / elapsed, 0, std::move(latencies)};
}

std::function<std::optional<std::string_view>()> one_by_one(const std::vector<std::string>& requests) {
  return [&requests, next = std::size_t{0}]() mutable -> std::optional<std::string_view> {
    return next < requests.size() ? std::optional<std::string_view>(requests[next++]) : std::nullopt;
  };
}

}  // namespace hubseal::bench
