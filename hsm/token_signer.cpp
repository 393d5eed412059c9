#include "hsm/token_signer.h"

#include <fmt/format.h>

#include "hsm/recovery.h"

namespace hubseal::hsm {
namespace {

class TokenSigner final : public Signer {
 public:
  explicit TokenSigner(TokenConfig config) : recovery_(std::move(config)) {}

  /// Opens the token now, so that a process that cannot sign does not start.
  Result<> open() {
    TRY(recovery_.enter());
    return {};
  }

  Result<std::vector<KeyInfo>> list_keys() override {
    return with_token([](Recovery::Use& use) -> Result<std::vector<KeyInfo>> { return use.generation().list_keys(); });
  }

  Result<KeyInfo> find_key(const KeyId& id) override {
    return with_token([&](Recovery::Use& use) { return use.generation().find_key(id); });
  }

  Result<KeyInfo> look_for(const KeyId& id) override {
    return with_token([&](Recovery::Use& use) { return use.generation().look_for(id); });
  }

  Result<KeyInfo> generate_key(KeyType type, std::string_view label) override {
    return with_token([&](Recovery::Use& use) {
      auto made = use.generation().generate_key(type, label);
      if (made) use.has_signed(made->id);
      return made;
    });
  }

  Result<Bytes> sign(const KeyId& id, SignatureAlgorithm algorithm, ByteView message) override {
    return with_token([&](Recovery::Use& use) {
      auto signature = use.generation().sign(id, algorithm, message);
      if (signature) use.has_signed(id);
      return signature;
    });
  }

  Result<Bytes> sign_digest(const KeyId& id, SignatureAlgorithm algorithm, ByteView digest) override {
    return with_token([&](Recovery::Use& use) {
      auto signature = use.generation().sign_digest(id, algorithm, digest);
      if (signature) use.has_signed(id);
      return signature;
    });
  }

  Result<> prove_key(const KeyId& id) override {
    return with_token([&](Recovery::Use& use) {
      auto proof = use.generation().prove_key(id);
      if (proof) use.has_signed(id);
      return proof;
    });
  }

  Result<> destroy_key(const KeyId& id, std::string_view label, const Begin& begin) override {
    return with_token([&](Recovery::Use& use) {
      auto destroyed = use.generation().destroy_key(id, label, begin);
      if (destroyed) use.has_destroyed(id);
      if (!destroyed && destroyed.error().code == Code::not_found) use.is_absent(id);
      return destroyed;
    });
  }

  Result<std::vector<Bytes>> read_data(std::string_view label) override {
    return with_token([&](Recovery::Use& use) { return use.generation().read_data(label); });
  }

  Result<std::vector<std::string>> data_labels() override {
    return with_token([&](Recovery::Use& use) { return use.generation().data_labels(); });
  }

  Result<> erase_data(std::string_view label) override {
    return with_token([&](Recovery::Use& use) { return use.generation().erase_data(label); });
  }

  Result<> write_data(std::string_view label, ByteView value) override {
    return with_token([&](Recovery::Use& use) { return use.generation().write_data(label, value); });
  }

  TokenStatus status() override { return recovery_.status(); }

 private:
  /// What failed because the generation was lost is done once more with the next one. Nothing has
  /// been released by then, and a key made in between is found by its label and refused.
  template <class Work>
  auto with_token(Work work) -> decltype(work(std::declval<Recovery::Use&>())) {
    {
      Recovery::Use use = TRY(recovery_.enter());
      auto result = work(use);
      if (result || !use.generation().lost()) return result;
    }
    Recovery::Use use = TRY(recovery_.enter());
    return work(use);
  }

  Recovery recovery_;
};

}  // namespace

Result<std::unique_ptr<Signer>> open_token(TokenConfig config) {
  if (config.label.has_value() == config.serial.has_value())
    return fail(Code::bad_request, "a token is named by its label or by its serial number: one of the two");
  if (!config.read_pin) return fail(Code::bad_request, "the token has no PIN configured");
  if (config.marker_folder.empty() == static_cast<bool>(config.name_pin))
    return fail(Code::bad_request, "a folder for markers of the login and a name for the PIN go together");
  if (config.sessions > 1024)
    return fail(Code::bad_request, fmt::format("{} sessions; wanted at most 1024", config.sessions));
  auto signer = std::make_unique<TokenSigner>(std::move(config));
  TRY(signer->open());
  return signer;
}

}  // namespace hubseal::hsm
