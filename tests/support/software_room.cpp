#include "tests/support/software_room.h"

#include <unistd.h>

#include <fstream>

#include <nlohmann/json.hpp>

#include "tests/support/must.h"
#include "tests/support/private_copy.h"
#include "tests/support/replace_in.h"

namespace hubseal::test {
namespace {

using namespace daemon;

/// The shipped profiles with the root for small keys, and the rig's policy, in files that only their owner
/// can write.
PolicyFiles write_policy(const std::filesystem::path& folder) {
  const std::filesystem::path source = HUBSEAL_SOURCE;
  const PolicyFiles files{.policy_file = folder / "policy.toml", .profiles_dir = folder / "profiles"};
  for (const auto& from : {source / "config" / "profiles", source / "tests" / "support" / "profiles"})
    copy_private(from, files.profiles_dir);
  // Tests ask for one certificate after the other (PKI-9 has tests of its own).
  for (const auto& entry : std::filesystem::directory_iterator(files.profiles_dir))
    replace_in(entry.path(), "renew_from_days = 547", "renew_from_days = 0");
  copy_private(source / "config" / "rig" / "policy.toml", files.policy_file);
  return files;
}

}  // namespace

SoftwareRoom::SoftwareRoom() : SoftwareRoom([](const PolicyFiles&) {}) {}

SoftwareRoom::SoftwareRoom(const ChangePolicy& change)
    : state_(must(StateFolder::take(folder_ / "state"))), policy_(write_policy(folder_.path())) {
  change(policy_);
  restart();
}

void SoftwareRoom::restart() {
  room_.reset();
  room_ = must(KeyRoom::open({.state = state_, .policy = policy_}, signer_, clock_));
}

void SoftwareRoom::make_keys_and_ca() {
  const Peer admin = peer(Role::admin);
  for (const char* use : {"ca", "jws"})
    if (ask(admin, "create_key", {{"label", std::string("hub-") + use}, {"type", "ec_p256"}, {"use", use}})
            .contains("error"))
      throw std::runtime_error("no key in the software room");
  const Json subject = {{"common_name", "Example Hub Root CA"}, {"organization", "Example Hub"}, {"country", "KE"}};
  const Json made =
      ask(admin, "create_ca", {{"ca", "hub-ca"}, {"key", "hub-ca"}, {"profile", "test-root"}, {"subject", subject}});
  if (made.contains("error")) throw std::runtime_error("no CA in the software room: " + dump_json(made));
}

SoftwareRoom::~SoftwareRoom() = default;

std::vector<Json> SoftwareRoom::records(std::string_view event) const {
  std::vector<Json> found;
  std::ifstream file(audit_file());
  for (std::string line; std::getline(file, line);)
    if (Json record = must(parse_json(line)); record["event"] == event) found.push_back(std::move(record));
  return found;
}

Peer SoftwareRoom::peer(Role role, std::initializer_list<Permission> permissions) {
  auto rule = std::make_unique<PeerRule>();
  rule->name = std::string(to_string(role));
  rule->role = role;
  rule->uid = ::geteuid();
  for (const Permission permission : permissions) rule->permissions |= static_cast<unsigned>(permission);
  for (const auto& [name, profile] : room_->policies().current()->profiles.all()) rule->profiles.push_back(name);
  rule->keys = {"hub-jws", "hub-ca", "hub-client-*"};
  rule->sources = {"hub"};
  rule->messages = {must(MessageRule::parse("PUT /quotes/*"))};
  rules_.push_back(std::move(rule));
  return Peer{rules_.back().get(), {.pid = ::getpid(), .uid = ::geteuid(), .gids = {::getegid()}}};
}

Peer SoftwareRoom::peer(Role role) {
  Peer all = peer(role, {});
  for (const auto& [word, permission] : kPermissions) rules_.back()->permissions |= static_cast<unsigned>(permission);
  return all;
}

Json SoftwareRoom::ask(const Peer& peer, std::string_view op, Json fields) {
  return must(parse_json(dispatcher().handle(peer, wire::encode_request({"t-1", std::string(op), std::move(fields)})),
                         {.max_depth = 10, .max_members = 1024}));
}

}  // namespace hubseal::test
