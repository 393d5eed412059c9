#pragma once

#include <boost/test/unit_test.hpp>

#include "daemon/rotations.h"
#include "tests/support/fake_clock.h"
#include "tests/support/must.h"
#include "tests/support/software_signer.h"
#include "tests/support/temp_dir.h"

namespace hubseal::test::rotations {

using namespace hubseal::daemon;
using enum daemon::RotationStep;
using std::chrono::hours;

/// "jws" signs, and others take over from it.
struct Line {
  Line() { test::must(keyring->create("jws", KeyType::ec_p256, KeyUse::jws)); }

  RotationRecord begin(const std::string& successor, const RotationPlan& plan = {}, bool backup_required = false) {
    const Rotations::Start start{.predecessor = rotations->signer_of("jws"),
                                 .successor = successor,
                                 .plan = plan,
                                 .backup_required = backup_required};
    return test::must(
        rotations->begin(start, [&](const Keyring::Also& also) { return make(successor, backup_required, also); }));
  }
  Result<Key> make(const std::string& label, bool backup_required, const Keyring::Also& also) {
    const KeyStart start{.life = KeyLife::pre_activation,
                         .backup = backup_required ? KeyBackup::required : KeyBackup::none};
    return keyring->create(label, KeyType::ec_p256, KeyUse::jws, start, {}, also);
  }
  /// As people do, and where they cannot as the housekeeper does.
  Result<RotationRecord> try_step(RotationStep to) {
    const auto nothing = [](Database&) -> Result<> { return {}; };
    return rotations->step(rotations->list().back(), to, hours(2), nothing);
  }
  void step(std::initializer_list<RotationStep> steps) {
    for (const RotationStep to : steps) test::must(try_step(to));
  }
  KeyRecord key(const std::string& label) { return *keyring->find_record(label); }
  std::string shown() {
    std::string labels;
    for (const Key& each : test::must(keyring->list()))
      if (rotations->is_shown(each.record)) labels += each.record.label + " ";
    return labels;
  }
  /// Of the newest.
  RotationRecord now() { return rotations->list().back(); }
  std::size_t due() { return rotations->due(clock.now()).size(); }
  void restart() {
    keyring = test::must(Keyring::open(*registry, token, clock));
    rotations = test::must(Rotations::open(*registry, *keyring, clock));
  }
  /// Both clocks.
  void pass(hours time) {
    clock.time += time;
    test::must(rotations->count_waiting(time));
  }

  test::TempDir folder;
  test::FakeClock clock;
  test::SoftwareSigner token;
  std::unique_ptr<Registry> registry = test::must(Registry::open(folder.path()));
  std::unique_ptr<Keyring> keyring = test::must(Keyring::open(*registry, token, clock));
  std::unique_ptr<Rotations> rotations = test::must(Rotations::open(*registry, *keyring, clock));
};

inline const RotationPlan kTimed{
    .activate = hours(48), .retire = hours(24), .destroy = hours(200), .overlap = hours(168)};

}  // namespace hubseal::test::rotations
