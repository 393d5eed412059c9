#include "tests/bench/ssh_agent.h"

#include <sys/socket.h>

#include <cstdint>
#include <stdexcept>

#include <fmt/format.h>

#include "tests/bench/crowd.h"

namespace hubseal::bench {
namespace {

// draft-miller-ssh-agent, section 5.1
constexpr char kRequestIdentities = 11, kIdentities = 12, kSignRequest = 13, kAddSmartcardKey = 20, kSuccess = 6;
constexpr std::uint32_t kRsaSha256 = 2;

std::string number(std::uint32_t value) {
  std::string text;
  for (const int shift : {24, 16, 8, 0}) text.push_back(static_cast<char>(value >> shift));
  return text;
}

std::string string_of(std::string_view bytes) { return number(static_cast<std::uint32_t>(bytes.size())).append(bytes); }

std::string message(char type, std::string_view body) { return string_of(std::string(1, type).append(body)); }

std::uint32_t number_at(std::string_view bytes) {
  if (bytes.size() < 4) throw std::runtime_error("ssh-agent: an answer that is not whole");
  std::uint32_t value = 0;
  for (const char byte : bytes.substr(0, 4)) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

/// Takes a string from the front.
std::string_view take_string(std::string_view& bytes) {
  const std::size_t size = number_at(bytes);
  if (size > bytes.size() - 4) throw std::runtime_error("ssh-agent: an answer that is not whole");
  const std::string_view text = bytes.substr(4, size);
  bytes.remove_prefix(4 + size);
  return text;
}

std::size_t message_size(std::string_view received) {
  if (received.size() < 4) return 0;
  const std::size_t size = 4 + number_at(received);
  return received.size() >= size ? size : 0;
}

}  // namespace

SshAgent::SshAgent(const test::TestToken& token)
    : socket_(folder_ / "agent.sock"),
      server_({"ssh-agent", "-D", "-a", socket_, "-P", std::filesystem::canonical(token.module())},
              [this] { return connect_unix(socket_); }) {
  const std::string added = ask(message(kAddSmartcardKey, string_of(token.module().string()) + string_of(token.pin())));
  if (added.empty() || added.front() != kSuccess) throw std::runtime_error("ssh-agent does not take the token");
}

std::string SshAgent::ask(const std::string& request) const {
  const UniqueFd fd = connect_unix(socket_);
  if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    throw std::runtime_error("ssh-agent hung up");
  std::string received;
  while (message_size(received) == 0) {
    char chunk[16 * 1024];
    const ssize_t got = ::recv(fd.get(), chunk, sizeof chunk, 0);
    if (got <= 0) throw std::runtime_error("ssh-agent hung up");
    received.append(chunk, static_cast<std::size_t>(got));
  }
  return received.substr(4);
}

/// As the agent writes it; it calls a key as the token does.
std::string SshAgent::public_key_of(const std::string& key, std::string_view kind) const {
  const std::string answer = ask(message(kRequestIdentities, {}));
  std::string_view rest = answer;
  if (rest.empty() || rest.front() != kIdentities) throw std::runtime_error("ssh-agent lists no keys");
  rest.remove_prefix(1);
  std::uint32_t count = number_at(rest);
  for (rest.remove_prefix(4); count > 0; --count) {
    const std::string_view blob = take_string(rest), comment = take_string(rest);
    if (comment == key && blob.substr(4).starts_with(kind)) return std::string(blob);
  }
  throw std::runtime_error("ssh-agent has no key " + key);
}

Measurement SshAgent::sign(const std::string& key, KeyType type, std::size_t bytes, unsigned connections,
                           Seconds time) const {
  const std::string public_key = public_key_of(key, is_rsa(type) ? "ssh-rsa" : "ecdsa-sha2-nistp256");
  const std::string request = message(
      kSignRequest, string_of(public_key) + string_of(std::string(bytes, 'Z')) + number(is_rsa(type) ? kRsaSha256 : 0));
  // A signature begins with its algorithm.
  const Service service{.connect = [this] { return connect_unix(socket_); },
                        .reply_size = message_size,
                        .good = is_rsa(type) ? "rsa-sha2-256" : "ecdsa-sha2-nistp256"};
  return with_cpu_of(server_.family(), [&] {
    return run_crowd(service, connections, time, [&] { return std::optional(std::string_view(request)); });
  });
}

}  // namespace hubseal::bench
