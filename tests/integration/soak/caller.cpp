#include "tests/integration/soak/caller.h"

#include <sys/socket.h>

#include <cerrno>
#include <stdexcept>

#include "tests/support/unix_socket.h"

namespace hubseal::test {

Caller::Caller(const std::string& socket_path) : fd_(connect_to(socket_path)) {}

void Caller::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put < 0 && errno != EINTR) throw std::runtime_error("send: the daemon hung up");
    if (put > 0) bytes.remove_prefix(static_cast<std::size_t>(put));
  }
}

std::string_view Caller::call(std::string_view line) {
  send(line);
  reply_.clear();
  while (!reply_.ends_with('\n')) {
    char chunk[16 * 1024];
    const ssize_t got = ::recv(fd_.get(), chunk, sizeof chunk, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw std::runtime_error("recv: the daemon hung up");
    reply_.append(chunk, static_cast<std::size_t>(got));
  }
  return std::string_view(reply_).substr(0, reply_.size() - 1);
}

}  // namespace hubseal::test
