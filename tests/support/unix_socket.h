#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <filesystem>
#include <stdexcept>
#include <string>

#include "common/unique_fd.h"

namespace hubseal::test {

/// Errors: throws where the path is too long for a socket.
inline sockaddr_un unix_address(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& text = path.native();
  if (text.size() >= sizeof address.sun_path) throw std::runtime_error("too long for a socket: " + text);
  text.copy(address.sun_path, text.size());
  return address;
}

/// One that listens there. Errors: throws.
inline UniqueFd listen_at(const std::filesystem::path& path, int backlog) {
  const sockaddr_un address = unix_address(path);
  UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener.get(), backlog) != 0)
    throw std::runtime_error("cannot listen at " + path.native());
  return listener;
}

/// One that is connected there. Errors: throws.
inline UniqueFd connect_to(const std::filesystem::path& path) {
  const sockaddr_un address = unix_address(path);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot connect to " + path.native());
  return fd;
}

}  // namespace hubseal::test
