#pragma once

#include <initializer_list>
#include <memory>
#include <string>

#include "common/clock.h"
#include "common/json.h"
#include "daemon/dispatch.h"
#include "tests/support/software_signer.h"
#include "tests/support/temp_dir.h"

namespace hubseal::test {

/// All of hubseald behind its sockets, on keys in memory: what tests and fuzzers of dispatch need.
/// The token's key "hub-ca" has the root "hub-ca", "hub-jws" signs JWS; profiles are the shipped ones.
/// Owns: a temporary folder with registry and audit log.
class SoftwareRoom {
 public:
  SoftwareRoom();
  ~SoftwareRoom();

  daemon::Dispatcher& dispatcher() { return *dispatcher_; }
  daemon::Registry& registry() { return *registry_; }
  SoftwareSigner& signer() { return signer_; }
  const std::filesystem::path& folder() const { return folder_.path(); }

  /// An issuance of its own on the same registry, log, CAs and keys: as after a restart with other profiles.
  daemon::Issuance issuance(const ca::Profiles& profiles);

  /// A peer of ours with these rights, on this socket; every profile and key is open to it.
  daemon::Peer peer(daemon::Role role, std::initializer_list<daemon::Permission> permissions);
  /// The same with all rights.
  daemon::Peer peer(daemon::Role role);

  /// The decoded reply to operation `op`.
  Json ask(const daemon::Peer& peer, std::string_view op, Json fields = Json::object());

 private:
  TempDir folder_;
  SystemClock clock_;
  SoftwareSigner signer_;
  ca::Profiles profiles_;
  std::unique_ptr<daemon::AuditLog> audit_;
  std::unique_ptr<daemon::Registry> registry_;
  std::unique_ptr<daemon::Keyring> keyring_;
  std::unique_ptr<daemon::Authorities> authorities_;
  std::unique_ptr<daemon::ClockGuard> guard_;
  std::unique_ptr<daemon::Issuance> issuance_;
  std::unique_ptr<daemon::jws::JwsSigner> jws_;
  std::unique_ptr<daemon::Dispatcher> dispatcher_;
  std::vector<std::unique_ptr<daemon::PeerRule>> rules_;
};

}  // namespace hubseal::test
