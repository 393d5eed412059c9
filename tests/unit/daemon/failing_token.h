#pragma once

#include <functional>
#include <utility>

#include "tests/support/software_signer.h"

namespace hubseal::test {

/// A token that can be taken away, and that counts what is asked of it.
class FailingToken final : public hsm::Signer {
 public:
  Result<std::vector<hsm::KeyInfo>> list_keys() override {
    return ask([&] { return keys.list_keys(); });
  }
  Result<hsm::KeyInfo> find_key(const KeyId& id) override {
    auto found = ask([&] { return keys.find_key(id); });
    if (found && id == quarantined) found->state = hsm::KeyState::quarantined;
    return found;
  }
  Result<hsm::KeyInfo> look_for(const KeyId& id) override {
    return ask([&] { return keys.look_for(id); });
  }
  Result<hsm::KeyInfo> generate_key(KeyType type, std::string_view label) override {
    ++generated;
    if (generating) std::exchange(generating, nullptr)();
    return ask([&] { return keys.generate_key(type, label); });
  }
  Result<Bytes> sign(const KeyId& id, SignatureAlgorithm algorithm, ByteView message) override {
    ++signatures;
    if (meanwhile) std::exchange(meanwhile, nullptr)();
    if (id == broken) return fail(Code::hsm_unavailable, "the token does not sign with this key");
    return ask([&] { return keys.sign(id, algorithm, message); });
  }
  Result<Bytes> sign_digest(const KeyId& id, SignatureAlgorithm algorithm, ByteView digest) override {
    return ask([&] { return keys.sign_digest(id, algorithm, digest); });
  }
  Result<> prove_key(const KeyId& id) override {
    return ask([&] { return keys.prove_key(id); });
  }
  Result<> destroy_key(const KeyId& id, std::string_view label, const Begin& begin) override {
    return ask([&] { return keys.destroy_key(id, label, begin); });
  }
  Result<std::vector<Bytes>> read_data(std::string_view label) override { return keys.read_data(label); }
  Result<std::vector<std::string>> data_labels() override { return keys.data_labels(); }
  Result<> erase_data(std::string_view label) override { return keys.erase_data(label); }
  Result<> write_data(std::string_view label, ByteView value) override { return keys.write_data(label, value); }
  hsm::TokenStatus status() override {
    hsm::TokenStatus status = keys.status();
    status.ready = !gone;
    status.generation = opened;
    return status;
  }

  SoftwareSigner keys;
  bool gone = false;
  unsigned opened = 1;               ///< how often
  KeyId broken{};                    ///< signs nothing
  KeyId quarantined{};               ///< is found, and may not sign
  std::function<void()> meanwhile;   ///< happens during the next signature
  std::function<void()> generating;  ///< happens while the next key is made
  int generated = 0, signatures = 0;

 private:
  template <class Call>
  auto ask(Call call) -> decltype(call()) {
    if (gone) return fail(Code::hsm_unavailable, "the token is gone");
    return call();
  }
};

}  // namespace hubseal::test
