#include "tests/support/software_room.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "tests/support/must.h"

namespace hubseal::test {
namespace {

using namespace daemon;

/// The shipped profiles and the root for small keys, in files that only their owner can write.
ca::Profiles load_profiles(const std::filesystem::path& folder) {
  std::filesystem::create_directory(folder);
  const std::filesystem::path source = HUBSEAL_SOURCE;
  for (const auto& from : {source / "config" / "profiles", source / "tests" / "support" / "profiles"})
    for (const auto& file : std::filesystem::directory_iterator(from)) {
      const auto copy = folder / file.path().filename();
      std::filesystem::copy_file(file, copy);
      std::filesystem::permissions(copy, std::filesystem::perms::owner_read);
    }
  return must(ca::Profiles::load(folder));
}

}  // namespace

SoftwareRoom::SoftwareRoom()
    : profiles_(load_profiles(folder_ / "profiles")),
      audit_(must(AuditLog::open(folder_.path(), clock_))),
      registry_(must(Registry::open(folder_.path()))),
      keyring_(must(Keyring::open(*registry_, signer_, clock_))),
      authorities_(must(Authorities::open(*registry_))),
      guard_(std::make_unique<ClockGuard>(clock_, *registry_)),
      issuance_(std::make_unique<Issuance>(*registry_, *audit_, *authorities_, profiles_, signer_, *guard_)),
      jws_(std::make_unique<daemon::jws::JwsSigner>(signer_)),
      dispatcher_(std::make_unique<Dispatcher>(Services{.registry = *registry_,
                                                        .audit = *audit_,
                                                        .keyring = *keyring_,
                                                        .authorities = *authorities_,
                                                        .issuance = *issuance_,
                                                        .profiles = profiles_,
                                                        .jws = *jws_,
                                                        .signer = signer_,
                                                        .started = std::chrono::steady_clock::now()})) {
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

Issuance SoftwareRoom::issuance(const ca::Profiles& profiles) {
  return Issuance(*registry_, *audit_, *authorities_, profiles, signer_, *guard_);
}

Peer SoftwareRoom::peer(Role role, std::initializer_list<Permission> permissions) {
  auto rule = std::make_unique<PeerRule>();
  rule->name = std::string(to_string(role));
  rule->role = role;
  rule->uid = ::geteuid();
  for (const Permission permission : permissions) rule->permissions |= static_cast<unsigned>(permission);
  for (const auto& [name, profile] : profiles_.all()) rule->profiles.push_back(name);
  rule->keys = {"hub-jws", "hub-ca"};
  rules_.push_back(std::move(rule));
  return Peer{rules_.back().get(), {.pid = ::getpid(), .uid = ::geteuid(), .gids = {::getegid()}}};
}

Peer SoftwareRoom::peer(Role role) {
  return peer(role, {Permission::status, Permission::read_keys, Permission::create_key, Permission::create_ca,
                     Permission::read_certificates, Permission::issue_certificate, Permission::create_csr,
                     Permission::sign_jws});
}

Json SoftwareRoom::ask(const Peer& peer, std::string_view op, Json fields) {
  return must(parse_json(dispatcher_->handle(peer, wire::encode_request({"t-1", std::string(op), std::move(fields)})),
                         {.max_depth = 10, .max_members = 1024}));
}

}  // namespace hubseal::test
