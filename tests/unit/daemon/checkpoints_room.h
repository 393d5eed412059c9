#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/audit/verify.h"
#include "daemon/checkpoints.h"
#include "tests/support/must.h"
#include "tests/support/software_signer.h"
#include "tests/support/temp_dir.h"

/// Log, registry, token and gate around Checkpoints, as a start of hubseald puts them together.
namespace hubseal::test::checkpoints {

using namespace hubseal::daemon;

/// A token that can be made to fail.
class Token final : public hsm::Signer {
 public:
  Result<std::vector<hsm::KeyInfo>> list_keys() override { return keys.list_keys(); }
  Result<hsm::KeyInfo> find_key(const KeyId& id) override { return keys.find_key(id); }
  Result<hsm::KeyInfo> look_for(const KeyId& id) override { return keys.look_for(id); }
  Result<hsm::KeyInfo> generate_key(KeyType type, std::string_view label) override {
    return keys.generate_key(type, label);
  }
  Result<Bytes> sign(const KeyId& id, SignatureAlgorithm algorithm, ByteView message) override {
    ++signatures;
    if (signing) std::exchange(signing, nullptr)();
    if (gone) return fail(Code::hsm_unavailable, "the token is gone");
    return keys.sign(id, algorithm, message);
  }
  Result<Bytes> sign_digest(const KeyId& id, SignatureAlgorithm algorithm, ByteView digest) override {
    return keys.sign_digest(id, algorithm, digest);
  }
  Result<> prove_key(const KeyId& id) override { return keys.prove_key(id); }
  Result<> destroy_key(const KeyId& id, std::string_view label, const Begin& begin) override {
    return keys.destroy_key(id, label, begin);
  }
  Result<std::vector<Bytes>> read_data(std::string_view label) override { return keys.read_data(label); }
  Result<std::vector<std::string>> data_labels() override { return keys.data_labels(); }
  Result<> erase_data(std::string_view label) override {
    if (stuck) return fail(Code::hsm_unavailable, "the token erases nothing");
    return keys.erase_data(label);
  }
  Result<> write_data(std::string_view label, ByteView value) override {
    if (full) return fail(Code::hsm_unavailable, "the token is full");
    return keys.write_data(label, value);
  }
  hsm::TokenStatus status() override { return keys.status(); }

  test::SoftwareSigner keys;
  bool gone = false;
  bool full = false;
  bool stuck = false;
  int signatures = 0;
  std::function<void()> signing;  ///< happens during the next signature
};

struct Room {
  Room() { open(); }

  void open(Checkpoints::Settings settings = {}) { must(start(std::move(settings))); }
  /// As a start of hubseald does.
  Result<> start(Checkpoints::Settings settings = {}) {
    close();
    registry.reset();
    registry = must(Registry::open(registry_folder.path()));
    log = must(AuditLog::open(folder.path(), clock, file_bytes));
    keyring = must(Keyring::open(*registry, token, clock));
    must(note_lost_work(*registry, *log));
    gate = std::make_unique<Gate>();
    checkpoints = std::make_unique<Checkpoints>(*log, *registry, *keyring, token, *gate);
    return checkpoints->start(folder.path(), kInstance, std::move(settings));
  }
  void close() {
    checkpoints.reset();
    gate.reset();
    keyring.reset();
    registry->see_no_records();
    log.reset();
  }
  /// A transaction more, of whatever kind.
  void change() {
    must(registry->write([](Database&) { return Result<>(); }));
  }
  void record(int count) {
    for (int n = 0; n < count; ++n) must(log->record(Json{{"event", "e"}, {"n", n}}));
  }
  /// Of the log as it is.
  CheckpointMark mark() const {
    const audit::Tree tree = log->tree();
    const audit::Hash root = tree.root();
    return {tree.size(), Bytes(root.begin(), root.end())};
  }
  std::string reason() const { return gate->enter() ? "" : gate->enter().error().message; }
  audit::Verdict verdict() {
    return must(audit::verify({.folder = folder.path(), .keys = {must(checkpoints->public_key())}, .witnessed = {}}));
  }

  static constexpr const char* kInstance = "test";
  static constexpr const char* kOrigin = "hubseal/test";
  SystemClock clock;
  Token token;
  std::int64_t file_bytes = AuditLog::kFileBytes;
  test::TempDir registry_folder, folder;
  std::unique_ptr<Registry> registry = must(Registry::open(registry_folder.path()));
  std::unique_ptr<AuditLog> log;
  std::unique_ptr<Keyring> keyring;
  std::unique_ptr<Gate> gate;
  std::unique_ptr<Checkpoints> checkpoints;
  const std::filesystem::path file = folder.path() / "checkpoints";
};

}  // namespace hubseal::test::checkpoints
