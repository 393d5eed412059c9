#include "tests/bench/p11_kit_server.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <memory>
#include <stdexcept>

#include <fmt/format.h>

#include "tests/bench/crowd.h"
#include "tests/bench/raw_token.h"

namespace hubseal::bench {
namespace {

constexpr char kClientModule[] = "/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so";
constexpr char kReady = 'r', kGo = 'g', kFailed = 'f';

void put(int fd, const void* bytes, std::size_t size) {
  for (const auto* at = static_cast<const char*>(bytes); size > 0;) {
    const ssize_t written = ::send(fd, at, size, MSG_NOSIGNAL);
    if (written <= 0) throw std::runtime_error("p11-kit server: a client's process is gone");
    at += written;
    size -= static_cast<std::size_t>(written);
  }
}

void take(int fd, void* bytes, std::size_t size) {
  if (size > 0 && ::recv(fd, bytes, size, MSG_WAITALL) != static_cast<ssize_t>(size))
    throw std::runtime_error("p11-kit server: a client's process is gone");
}

template <class Value>
Value take(int fd) {
  Value value{};
  take(fd, &value, sizeof value);
  return value;
}

/// A process that has connected and logged in, and signs when it is told to. It stays connected until this goes, so
/// that the server's part of it can be measured.
class Client {
 public:
  /// `sign` runs in the process, with a token that it reaches through p11-kit.
  template <class Sign>
  Client(const test::TestToken& token, const Sign& sign) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw std::runtime_error("socketpair");
    fd_ = UniqueFd(ends[0]);
    const UniqueFd theirs(ends[1]);
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork");
    if (pid_ > 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() == parent) work(theirs.get(), token, sign);
    ::_exit(0);  // what it has of its parent is the parent's
  }
  ~Client() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Client(const Client&) = delete;  // the process exists once
  Client& operator=(const Client&) = delete;

  void await_ready() const { await(kReady); }
  void go() const { put(fd_.get(), &kGo, 1); }
  Measurement result() const {
    await(kReady);
    Measurement measurement;
    measurement.per_second = take<double>(fd_.get());
    measurement.latencies_us.resize(take<std::size_t>(fd_.get()));
    take(fd_.get(), measurement.latencies_us.data(), measurement.latencies_us.size() * sizeof(double));
    return measurement;
  }

 private:
  template <class Sign>
  static void work(int fd, const test::TestToken& token, const Sign& sign) {
    try {
      RawToken connected(kClientModule, token.label(), token.pin());
      put(fd, &kReady, 1);
      if (take<char>(fd) != kGo) return;
      const Measurement done = sign(connected);
      const std::size_t count = done.latencies_us.size();
      put(fd, &kReady, 1);
      put(fd, &done.per_second, sizeof done.per_second);
      put(fd, &count, sizeof count);
      put(fd, done.latencies_us.data(), count * sizeof(double));
      take<char>(fd);  // until it is ended
    } catch (const std::exception& problem) {
      const std::string text = problem.what();
      const std::size_t size = text.size();
      put(fd, &kFailed, 1);
      put(fd, &size, sizeof size);
      put(fd, text.data(), size);
    }
  }

  void await(char wanted) const {
    if (take<char>(fd_.get()) == wanted) return;
    std::string problem(take<std::size_t>(fd_.get()), '\0');
    take(fd_.get(), problem.data(), problem.size());
    throw std::runtime_error("p11-kit server: " + problem);
  }

  UniqueFd fd_;
  pid_t pid_ = -1;
};

}  // namespace

bool P11KitServer::installed() {
  return is_installed("p11-kit") && is_installed("/usr/libexec/p11-kit/p11-kit-server") && is_installed(kClientModule);
}

P11KitServer::P11KitServer(const test::TestToken& token)
    : token_(token),
      socket_(folder_ / "p11-kit.sock"),
      server_({"p11-kit", "server", "-f", "-n", socket_, "-p", token.module(),
               fmt::format("pkcs11:token={}", token.label())},
              [this] { return connect_unix(socket_); }) {
  ::setenv("P11_KIT_SERVER_ADDRESS", fmt::format("unix:path={}", socket_).c_str(), 1);
}

Measurement P11KitServer::sign(const std::string& key, KeyType type, unsigned connections, Seconds time) const {
  std::vector<std::unique_ptr<Client>> clients;
  while (clients.size() < connections) {
    clients.push_back(
        std::make_unique<Client>(token_, [&](RawToken& connected) { return connected.sign(key, type, 1, time); }));
    clients.back()->await_ready();
  }
  return with_cpu_of(server_.family(), [&] {
    Measurement all;
    for (const auto& client : clients) client->go();
    for (const auto& client : clients) {
      const Measurement one = client->result();
      all.per_second += one.per_second;
      all.latencies_us.insert(all.latencies_us.end(), one.latencies_us.begin(), one.latencies_us.end());
    }
    return all;
  });
}

}  // namespace hubseal::bench
