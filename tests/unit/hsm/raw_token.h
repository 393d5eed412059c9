#pragma once

#include <boost/test/unit_test.hpp>

#include "hsm/key_object.h"
#include "hsm/module.h"
#include "tests/support/test_token.h"

namespace hubseal::hsm {

/// A token opened behind the Signer's back, to put objects on it that the Signer would never make.
/// Close it before a Signer is opened: C_Finalize is for the whole process.
class RawToken {
 public:
  explicit RawToken(const test::TestToken& token) : RawToken(token.config()) {}
  explicit RawToken(const TokenConfig& config)
      : module_(*Module::initialize(config.module)), cryptoki_(module_->functions()) {
    const Token found = *find_token(*module_, config);
    const SecretBytes pin = *config.read_pin();
    const CK_FLAGS flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
    ok(cryptoki_->C_OpenSession(found.slot, flags, nullptr, nullptr, &session_));
    ok(cryptoki_->C_Login(session_, CKU_USER, const_cast<CK_UTF8CHAR*>(pin.bytes().data()), pin.size()));
  }

  Session session() { return {cryptoki_, session_}; }

  CK_OBJECT_HANDLE create(std::vector<CK_ATTRIBUTE> attributes) {
    CK_OBJECT_HANDLE object = 0;
    ok(cryptoki_->C_CreateObject(session_, attributes.data(), attributes.size(), &object));
    return object;
  }
  CK_OBJECT_HANDLE copy(CK_OBJECT_HANDLE object, std::vector<CK_ATTRIBUTE> changes) {
    CK_OBJECT_HANDLE made = 0;
    ok(cryptoki_->C_CopyObject(session_, object, changes.data(), changes.size(), &made));
    return made;
  }
  void destroy(CK_OBJECT_HANDLE object) { ok(cryptoki_->C_DestroyObject(session_, object)); }

  /// A pair like the Signer's, but with these attributes of the private half set otherwise, and this CKA_ID.
  KeyPair generate_ec(std::vector<CK_ATTRIBUTE> changes, const char* label, std::uint8_t id = 0x2a);
  CK_OBJECT_HANDLE only(CK_OBJECT_CLASS kind) {
    CK_ATTRIBUTE wanted[] = {attribute(CKA_CLASS, kind)};
    const auto found = *find_objects(session(), wanted);
    BOOST_REQUIRE_EQUAL(found.size(), 1U);
    return found.front();
  }

 private:
  static void ok(CK_RV value) { BOOST_REQUIRE_MESSAGE(value == CKR_OK, to_error(value, "raw call").message); }

  std::unique_ptr<Module> module_;
  Cryptoki cryptoki_;
  CK_SESSION_HANDLE session_ = 0;
};

inline KeyPair RawToken::generate_ec(std::vector<CK_ATTRIBUTE> changes, const char* label, std::uint8_t id) {
  static constexpr std::uint8_t kCurve[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
  const ByteView ids(&id, 1);
  std::vector<CK_ATTRIBUTE> public_half = {attribute(CKA_TOKEN, kTrue), attribute(CKA_EC_PARAMS, kCurve),
                                           attribute(CKA_ID, ids)};
  std::vector<CK_ATTRIBUTE> private_half = {
      attribute(CKA_TOKEN, kTrue),   attribute(CKA_PRIVATE, kTrue),        attribute(CKA_SENSITIVE, kTrue),
      attribute(CKA_SIGN, kTrue),    attribute(CKA_EXTRACTABLE, kFalse),   attribute(CKA_DECRYPT, kFalse),
      attribute(CKA_UNWRAP, kFalse), attribute(CKA_DERIVE, kFalse),        attribute(CKA_SIGN_RECOVER, kFalse),
      attribute(CKA_ID, ids),        attribute(CKA_LABEL, as_bytes(label))};
  for (const CK_ATTRIBUTE& change : changes)
    for (CK_ATTRIBUTE& known : private_half)
      if (known.type == change.type) known = change;
  CK_MECHANISM mechanism{CKM_EC_KEY_PAIR_GEN, nullptr, 0};
  KeyPair pair;
  ok(cryptoki_->C_GenerateKeyPair(session_, &mechanism, public_half.data(), public_half.size(), private_half.data(),
                                  private_half.size(), &pair.public_key, &pair.private_key));
  return pair;
}

}  // namespace hubseal::hsm
