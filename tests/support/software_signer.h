#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "common/openssl.h"
#include "hsm/signer.h"

namespace hubseal::test {

/// hsm::Signer on OpenSSL keys in memory. For property tests and benchmarks of what stands around the
/// signature only, where a token would spend all the time; what a token does (sessions, attributes,
/// recovery) is tested on tokens. Never linked into a product.
/// Threads: share it freely.
class SoftwareSigner final : public hsm::Signer {
 public:
  Result<std::vector<hsm::KeyInfo>> list_keys() override;
  Result<hsm::KeyInfo> find_key(const KeyId& id) override;
  Result<hsm::KeyInfo> look_for(const KeyId& id) override;
  Result<hsm::KeyInfo> generate_key(KeyType type, std::string_view label) override;
  Result<Bytes> sign(const KeyId& id, SignatureAlgorithm algorithm, ByteView message) override;
  Result<Bytes> sign_digest(const KeyId& id, SignatureAlgorithm algorithm, ByteView digest) override;
  Result<> prove_key(const KeyId& id) override;
  Result<> destroy_key(const KeyId& id, std::string_view label, const Begin& begin) override;
  Result<std::vector<Bytes>> read_data(std::string_view label) override;
  Result<std::vector<std::string>> data_labels() override;
  Result<> erase_data(std::string_view label) override;
  Result<> write_data(std::string_view label, ByteView value) override;
  hsm::TokenStatus status() override;

  struct Signed {
    KeyId key;
    SignatureAlgorithm algorithm;
    Bytes message;
    bool only_hash = false;  ///< it is a hash, of what nobody knows
  };
  /// What was signed since this was asked last; it is kept from the first time on.
  std::vector<Signed> take_signed();

  /// Keys that the token has, and does not show now.
  void hide(std::set<KeyId> ids);

  /// The next destruction fails before, or after, the key is gone.
  void refuse_to_destroy() { fails_before_ = true; }
  void fail_after_destroying() { fails_after_ = true; }

  /// Done once, when a key is looked up, signs or is destroyed next: what somebody else does meanwhile.
  void meanwhile(std::function<void()> work) { meanwhile_ = std::move(work); }

 private:
  struct Entry {
    hsm::KeyInfo info;
    PkeyPtr key;
  };
  Entry* shown(const KeyId& id);
  Result<EVP_PKEY*> key_for(Signed what);

  std::mutex mutex_;  // guards all; an entry, once there, does not change
  std::map<KeyId, Entry> keys_;
  std::set<KeyId> hidden_;
  bool keeps_signed_ = false;
  std::vector<Signed> signed_;
  bool fails_before_ = false, fails_after_ = false;
  std::map<std::string, Bytes, std::less<>> data_;
  std::function<void()> meanwhile_;
};

/// A fresh key pair.
PkeyPtr make_key(KeyType type);
/// Signs as a token does: hashed here, ECDSA as r || s. Empty when the key cannot.
Bytes sign_with(EVP_PKEY* key, SignatureAlgorithm algorithm, ByteView message);
/// The same over a hash.
Bytes sign_digest_with(EVP_PKEY* key, SignatureAlgorithm algorithm, ByteView digest);

}  // namespace hubseal::test
