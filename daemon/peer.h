#pragma once

#include <sys/types.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/result.h"
#include "daemon/message_rule.h"

namespace hubseal::daemon {

/// The sockets; each carries its own set of operations.
enum class Role { agent, jws, tls, admin, audit };
constexpr std::array<std::pair<std::string_view, Role>, 5> kRoles = {
    {{"agent", Role::agent}, {"jws", Role::jws}, {"tls", Role::tls}, {"admin", Role::admin}, {"audit", Role::audit}}};
std::string_view to_string(Role role);

/// What a peer may ask for; the words of `permissions` in hubseald.toml.
enum class Permission : unsigned {
  status = 1 << 0,
  read_keys = 1 << 1,
  create_key = 1 << 2,
  create_ca = 1 << 3,
  read_certificates = 1 << 4,
  issue_certificate = 1 << 5,
  create_csr = 1 << 6,
  sign_jws = 1 << 7,
  read_subjects = 1 << 8,
  manage_subjects = 1 << 9,
  read_policy = 1 << 10,
  manage_policy = 1 << 11,
  read_approvals = 1 << 12,
  approve = 1 << 13,
  carry_approvals = 1 << 14,
  manage_approvers = 1 << 15,
  read_audit = 1 << 16,
  cosign = 1 << 17,
  revoke = 1 << 18,
  seal = 1 << 19,
  manage_keys = 1 << 20,
  sign_fspiop = 1 << 21,
  sign_tls = 1 << 22,
};
constexpr std::array<std::pair<std::string_view, Permission>, 23> kPermissions = {{
    {"status", Permission::status},
    {"read_keys", Permission::read_keys},
    {"create_key", Permission::create_key},
    {"create_ca", Permission::create_ca},
    {"read_certificates", Permission::read_certificates},
    {"issue_certificate", Permission::issue_certificate},
    {"create_csr", Permission::create_csr},
    {"sign_jws", Permission::sign_jws},
    {"read_subjects", Permission::read_subjects},
    {"manage_subjects", Permission::manage_subjects},
    {"read_policy", Permission::read_policy},
    {"manage_policy", Permission::manage_policy},
    {"read_approvals", Permission::read_approvals},
    {"approve", Permission::approve},
    {"carry_approvals", Permission::carry_approvals},
    {"manage_approvers", Permission::manage_approvers},
    {"read_audit", Permission::read_audit},
    {"cosign", Permission::cosign},
    {"revoke", Permission::revoke},
    {"seal", Permission::seal},
    {"manage_keys", Permission::manage_keys},
    {"sign_fspiop", Permission::sign_fspiop},
    {"sign_tls", Permission::sign_tls},
}};

/// One [[peer]] of the configuration: who, on which socket, and what that opens. Absent means no.
struct PeerRule {
  std::string name;
  Role role{};
  std::optional<uid_t> uid;  ///< exactly one of uid and gid is set
  std::optional<gid_t> gid;
  unsigned permissions = 0;           ///< Permission bits
  std::vector<std::string> profiles;  ///< certificate profiles it may ask for
  std::vector<std::string> keys;      ///< labels it may sign with; a '*' at the end is whatever follows
  std::vector<std::string> sources;   ///< FSP ids in whose name it may have messages signed
  std::vector<MessageRule> messages;  ///< which
};

/// Who the kernel says connected.
struct Credentials {
  pid_t pid = 0;
  uid_t uid = 0;
  std::vector<gid_t> gids;  ///< primary and supplementary
  std::string unit;         ///< systemd unit that the process belongs to; empty where there is none
};

/// SO_PEERCRED and SO_PEERGROUPS of a connected Unix socket: as they were at connect(). The unit is looked up by pid
/// and decides nothing: it is for the audit log.
Result<Credentials> peer_credentials(int socket);

/// The uid alone, which costs next to nothing; what no kernel says is nobody's.
uid_t peer_uid(int socket);

/// A connected peer with the rule that let it in.
struct Peer {
  const PeerRule* rule;
  Credentials credentials;

  bool may(Permission permission) const { return (rule->permissions & static_cast<unsigned>(permission)) != 0; }
  bool may_use_profile(std::string_view profile) const;
  bool may_use_key(std::string_view label) const;
  bool may_send_as(std::string_view source) const;
  bool may_send(std::string_view method, std::string_view uri) const;
};

/// The first rule of this socket that matches, or null: the peer is a stranger.
const PeerRule* find_rule(const std::vector<PeerRule>& rules, Role role, const Credentials& credentials);

}  // namespace hubseal::daemon
