#include "daemon/peer.h"

#include <sys/socket.h>
#include <systemd/sd-login.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace hubseal::daemon {

std::string_view to_string(Role role) {
  for (const auto& [name, value] : kRoles)
    if (value == role) return name;
  return "unknown";
}

Result<Credentials> peer_credentials(int socket) {
  ucred kernel{};
  socklen_t size = sizeof kernel;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &kernel, &size) != 0)
    return fail(Code::internal, std::string("SO_PEERCRED: ") + std::strerror(errno));
  Credentials credentials{.pid = kernel.pid, .uid = kernel.uid, .gids = {kernel.gid}};

  // The number of supplementary groups is not known before it is asked for.
  std::vector<gid_t> groups(32);
  size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  int result = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
  if (result != 0 && errno == ERANGE) {
    groups.resize(size / sizeof(gid_t));
    result = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
  }
  if (result != 0) return fail(Code::internal, std::string("SO_PEERGROUPS: ") + std::strerror(errno));
  groups.resize(size / sizeof(gid_t));
  credentials.gids.insert(credentials.gids.end(), groups.begin(), groups.end());
  char* unit = nullptr;
  if (::sd_peer_get_unit(socket, &unit) >= 0 && unit) credentials.unit = unit;
  ::free(unit);
  return credentials;
}

uid_t peer_uid(int socket) {
  ucred kernel{};
  socklen_t size = sizeof kernel;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &kernel, &size) == 0 ? kernel.uid : static_cast<uid_t>(-1);
}

bool Peer::may_use_profile(std::string_view profile) const {
  return std::find(rule->profiles.begin(), rule->profiles.end(), profile) != rule->profiles.end();
}

bool Peer::may_use_key(std::string_view label) const {
  return std::any_of(rule->keys.begin(), rule->keys.end(), [&](std::string_view key) {
    return key.ends_with('*') ? label.starts_with(key.substr(0, key.size() - 1)) : key == label;
  });
}

bool Peer::may_send_as(std::string_view source) const {
  return std::find(rule->sources.begin(), rule->sources.end(), source) != rule->sources.end();
}

bool Peer::may_send(std::string_view method, std::string_view uri) const {
  return std::any_of(rule->messages.begin(), rule->messages.end(),
                     [&](const MessageRule& message) { return message.covers(method, uri); });
}

const PeerRule* find_rule(const std::vector<PeerRule>& rules, Role role, const Credentials& credentials) {
  const auto matches = [&](const PeerRule& rule) {
    if (rule.role != role) return false;
    if (rule.uid) return *rule.uid == credentials.uid;
    return std::find(credentials.gids.begin(), credentials.gids.end(), rule.gid) != credentials.gids.end();
  };
  const auto found = std::find_if(rules.begin(), rules.end(), matches);
  return found == rules.end() ? nullptr : &*found;
}

}  // namespace hubseal::daemon
