#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/json.h"
#include "daemon/key_room.h"
#include "tests/support/fake_clock.h"
#include "tests/support/software_signer.h"
#include "tests/support/temp_dir.h"

namespace hubseal::test {

/// All of hubseald behind its sockets, on keys in memory: what tests and fuzzers of dispatch need.
/// Profiles are the shipped ones, policy that of the rig.
/// Owns: a temporary folder with policy and state.
class SoftwareRoom {
 public:
  SoftwareRoom();
  /// `change` may write to the files of the policy before they are read.
  using ChangePolicy = std::function<void(const daemon::PolicyFiles&)>;
  explicit SoftwareRoom(const ChangePolicy& change);
  ~SoftwareRoom();

  /// The keys "hub-ca", which has the root "hub-ca", and "hub-jws".
  void make_keys_and_ca();

  /// What a restart of hubseald does; the token stays.
  void restart();

  daemon::KeyRoom& room() { return *room_; }
  daemon::Dispatcher& dispatcher() { return room_->dispatcher(); }
  daemon::Registry& registry() { return room_->registry(); }
  SoftwareSigner& signer() { return signer_; }
  InterruptedClock& clock() { return clock_; }
  const daemon::PolicyFiles& policy_files() const { return policy_; }
  const std::filesystem::path& folder() const { return folder_.path(); }
  std::filesystem::path audit_file() const { return folder_ / "state" / "audit" / "audit.jsonl"; }

  /// Those of the audit log that have this event, the oldest first.
  std::vector<Json> records(std::string_view event) const;

  /// A peer of ours with these rights, on this socket; every profile and key is open to it.
  daemon::Peer peer(daemon::Role role, std::initializer_list<daemon::Permission> permissions);
  /// The same with all rights.
  daemon::Peer peer(daemon::Role role);

  /// The decoded reply to operation `op`.
  Json ask(const daemon::Peer& peer, std::string_view op, Json fields = Json::object());

 private:
  TempDir folder_;
  InterruptedClock clock_;
  SoftwareSigner signer_;
  const daemon::StateFolder state_;
  daemon::PolicyFiles policy_;
  std::unique_ptr<daemon::KeyRoom> room_;
  std::vector<std::unique_ptr<daemon::PeerRule>> rules_;
};

}  // namespace hubseal::test
