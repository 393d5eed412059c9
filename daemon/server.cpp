#include "daemon/server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include <fmt/format.h>

#include "common/log.h"
#include "common/wire/line_channel.h"
#include "common/wire/message.h"

namespace hubseal::daemon {
namespace {

// Out of descriptors or memory: the backlog waits, and we try again soon instead of spinning.
constexpr std::chrono::milliseconds kAcceptPause{100};

}  // namespace

Server::Server(std::vector<Listener> listeners, std::vector<PeerRule> rules, Limits limits, Handler handler,
               Refuser refuser)
    : listeners_(std::move(listeners)),
      rules_(std::move(rules)),
      limits_(limits),
      handler_(std::move(handler)),
      refuser_(std::move(refuser)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Server::~Server() = default;

void Server::stop() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
}

bool Server::run() {
  std::vector<pollfd> waiting;
  for (const Listener& listener : listeners_) waiting.push_back({listener.fd.get(), POLLIN, 0});
  waiting.push_back({wake_.get(), POLLIN, 0});
  while (true) {
    if (::poll(waiting.data(), waiting.size(), -1) < 0) {
      if (errno == EINTR) continue;
      // Connections are still served by their threads: this ends as every stop does.
      log::error("listening ends", {{"poll", std::strerror(errno)}});
      break;
    }
    if (waiting.back().revents != 0) break;
    for (std::size_t i = 0; i < listeners_.size(); ++i)
      if (waiting[i].revents != 0) accept_one(listeners_[i]);
  }
  return drain();
}

void Server::accept_one(const Listener& listener) {
  UniqueFd fd(::accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!fd) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
      std::this_thread::sleep_for(kAcceptPause);
    return;
  }
  if (!enter(fd.get(), listener.role)) {
    wire::LineChannel channel(std::move(fd));
    const Error full{
        Code::rate_limited,
        fmt::format("no place for uid {} is free on {}.sock, which has {} and keeps some of them for users "
                    "that hold few; close a connection or try again",
                    peer_uid(channel.fd()), to_string(listener.role), limits_.max_connections)};
    // Never waits: a stranger at the door must not hold up the others.
    (void)channel.write_line(wire::encode_error("", full), std::chrono::milliseconds(0));
    return;
  }
  const int raw = fd.get();
  try {
    std::thread([this, role = listener.role, connection = std::move(fd)]() mutable {
      serve(std::move(connection), role);
    }).detach();
  } catch (const std::system_error& problem) {
    log::error("no thread for a connection", {{"reason", problem.what()}});
    leave(raw);
  }
}

bool Server::enter(int fd, Role role) {
  const uid_t uid = peer_uid(fd);
  auto state = state_.lock();
  Places& places = state->places.try_emplace(role, limits_.max_connections).first->second;
  if (!places.enter(uid)) return false;
  state->connections.emplace(fd, State::Connection{role, uid});
  return true;
}

void Server::leave(int fd) {
  auto state = state_.lock();
  const auto connection = state->connections.find(fd);
  state->places.at(connection->second.role).leave(connection->second.uid);
  state->connections.erase(connection);
  left_.notify_all();
}

void Server::serve(UniqueFd fd, Role role) {
  const int raw = fd.get();
  wire::LineChannel channel(std::move(fd));
  try {
    const auto credentials = peer_credentials(raw);
    const PeerRule* rule = credentials ? find_rule(rules_, role, *credentials) : nullptr;
    if (rule) {
      converse(channel, Peer{rule, *credentials});
    } else if (credentials) {
      log::warning("stranger turned away", {{"socket", std::string(to_string(role))},
                                            {"uid", std::to_string(credentials->uid)},
                                            {"pid", std::to_string(credentials->pid)}});
    }
  } catch (const std::exception& fault) {
    log::error("connection ended by a fault", {{"fault", fault.what()}});
  }
  leave(raw);  // before the channel closes: the number may then be given to the next connection
}

void Server::converse(wire::LineChannel& channel, const Peer& peer) {
  while (true) {
    const auto line = channel.read_line(limits_.idle_timeout, limits_.line_timeout);
    if (!line) {
      // Where one line ends and the next begins is no longer known: answer and hang up.
      (void)channel.write_line(refuser_(peer, line.error()), limits_.line_timeout);
      return;
    }
    if (!*line) return;
    if (!channel.write_line(handler_(peer, **line), limits_.line_timeout)) return;
  }
}

bool Server::drain() {
  auto state = state_.lock();
  // Readers see the end of their stream; requests under way still get their answer.
  for (const auto& [fd, connection] : state->connections) ::shutdown(fd, SHUT_RD);
  const auto deadline = std::chrono::steady_clock::now() + limits_.drain;
  const bool empty = state.wait_until(left_, deadline, [&] { return state->connections.empty(); });
  if (!empty) log::warning("requests were still under way at the end of drain_seconds");
  return empty;
}

}  // namespace hubseal::daemon
