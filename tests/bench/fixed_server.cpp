#include "tests/bench/fixed_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <string>
#include <thread>

#include <fmt/format.h>

#include "common/unique_fd.h"
#include "tests/bench/crowd.h"

namespace hubseal::bench {
namespace {

constexpr int kBacklog = 128;

void serve(const UniqueFd& client, const std::string& answer) {
  const int on = 1;
  ::setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  std::string received;
  while (true) {
    char chunk[16 * 1024];
    const ssize_t got = ::recv(client.get(), chunk, sizeof chunk, 0);
    if (got <= 0) return;
    received.append(chunk, static_cast<std::size_t>(got));
    // A request without a body ends with its header.
    const bool has_length = received.find("\r\nContent-Length: ") != std::string::npos;
    if (!has_length && received.find("\r\n\r\n") == std::string::npos) continue;
    if (has_length && http_reply_size(received) == 0) continue;
    received.clear();
    if (::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return;
  }
}

[[noreturn]] void serve_all(const UniqueFd& listener, const std::string& answer) {
  while (true) {
    UniqueFd client(::accept(listener.get(), nullptr, nullptr));
    if (!client) ::_exit(1);
    std::thread([&answer, own = std::move(client)] { serve(own, answer); }).detach();
  }
}

}  // namespace

FixedServer::FixedServer(std::size_t body_bytes) {
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const plain = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener.get(), plain, size) != 0 || ::listen(listener.get(), kBacklog) != 0 ||
      ::getsockname(listener.get(), plain, &size) != 0)
    throw std::runtime_error("no free port");
  port_ = ntohs(address.sin_port);
  const std::string answer =
      fmt::format("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body_bytes) +
      std::string(body_bytes, 'x');
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ != 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // also when the benchmark is killed
  if (::getppid() != parent) ::_exit(1);
  serve_all(listener, answer);
}

FixedServer::~FixedServer() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

}  // namespace hubseal::bench
