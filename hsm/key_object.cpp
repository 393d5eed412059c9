#include "hsm/key_object.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <openssl/rand.h>

#include "common/log.h"

namespace hubseal::hsm {
namespace {

constexpr std::uint8_t kExponent65537[] = {0x01, 0x00, 0x01};
constexpr std::uint8_t kP256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};  // prime256v1
constexpr std::uint8_t kP384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};                    // secp384r1

CK_ULONG rsa_bits(KeyType type) {
  switch (type) {
    case KeyType::rsa_2048: return 2048;
    case KeyType::rsa_3072: return 3072;
    case KeyType::rsa_4096: return 4096;
    case KeyType::ec_p256:
    case KeyType::ec_p384: return 0;
  }
  return 0;
}

Result<std::array<std::uint8_t, 16>> random_id() {
  std::array<std::uint8_t, 16> id;
  if (RAND_bytes(id.data(), static_cast<int>(id.size())) != 1)
    return fail(Code::internal, "no random bytes: " + drain_openssl_errors());
  return id;
}

/// CKM_ECDSA takes the hash as the leftmost bits that the curve's order has (FIPS 186-4 section 6.4);
/// most tokens cut it themselves, some refuse what is longer.
ByteView cut_for_curve(const Key& key, ByteView digest) {
  return digest.first(std::min(digest.size(), key.signature_bytes / 2));
}

Bytes token_input(const Key& key, const Mechanism& mechanism, SignatureAlgorithm algorithm, ByteView digest) {
  if (mechanism.input == SignInput::digest_info) return digest_info(algorithm, digest);
  const ByteView cut = is_rsa(algorithm) ? digest : cut_for_curve(key, digest);
  return {cut.begin(), cut.end()};
}

}  // namespace

Result<bool> label_taken(const Session& session, std::string_view label) {
  for (const CK_OBJECT_CLASS kind : {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_SECRET_KEY}) {
    CK_ATTRIBUTE wanted[] = {attribute(CKA_CLASS, kind), attribute(CKA_TOKEN, kTrue),
                             attribute(CKA_LABEL, as_bytes(label))};
    if (!TRY(find_objects(session, wanted)).empty()) return true;
  }
  return false;
}

Result<KeyPair> generate_pair(const Session& session, KeyType type, std::string_view label) {
  const auto id = TRY(random_id());
  const CK_ULONG bits = rsa_bits(type);
  std::vector<CK_ATTRIBUTE> public_half = {
      attribute(CKA_TOKEN, kTrue),    attribute(CKA_PRIVATE, kFalse),        attribute(CKA_VERIFY, kTrue),
      attribute(CKA_ENCRYPT, kFalse), attribute(CKA_VERIFY_RECOVER, kFalse), attribute(CKA_WRAP, kFalse),
      attribute(CKA_ID, id),          attribute(CKA_LABEL, as_bytes(label)),
  };
  if (is_rsa(type)) {
    public_half.push_back(attribute(CKA_MODULUS_BITS, bits));
    public_half.push_back(attribute(CKA_PUBLIC_EXPONENT, kExponent65537));
  } else {
    public_half.push_back(attribute(CKA_EC_PARAMS, type == KeyType::ec_p256 ? ByteView(kP256) : ByteView(kP384)));
  }
  CK_ATTRIBUTE private_half[] = {
      attribute(CKA_TOKEN, kTrue),
      attribute(CKA_PRIVATE, kTrue),
      attribute(CKA_SENSITIVE, kTrue),
      attribute(CKA_EXTRACTABLE, kFalse),
      attribute(CKA_SIGN, kTrue),
      attribute(CKA_DECRYPT, kFalse),
      attribute(CKA_UNWRAP, kFalse),
      attribute(CKA_DERIVE, kFalse),
      attribute(CKA_SIGN_RECOVER, kFalse),
      attribute(CKA_ID, id),
      attribute(CKA_LABEL, as_bytes(label)),
  };
  CK_MECHANISM mechanism{is_rsa(type) ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, nullptr, 0};
  KeyPair pair;
  TRY(session.cryptoki.check(
      session.cryptoki->C_GenerateKeyPair(session.handle, &mechanism, public_half.data(), public_half.size(),
                                          private_half, std::size(private_half), &pair.public_key, &pair.private_key),
      "C_GenerateKeyPair"));
  return pair;
}

void destroy_pair(const Session& session, const KeyPair& pair) {
  for (const CK_OBJECT_HANDLE object : {pair.private_key, pair.public_key})
    if (const CK_RV value = session.cryptoki->C_DestroyObject(session.handle, object); value != CKR_OK)
      log::error("key that failed its checks stays in the token",
                 {{"reason", to_error(value, "C_DestroyObject").message}});
}

std::optional<CK_OBJECT_HANDLE> copy_into_session(const Session& session, const Key& key) {
  const auto refuse = [&key](const std::string& reason) {
    log::warning("no session copies of keys: the token's own objects are used",
                 {{"label", key.label}, {"reason", reason}});
    return std::nullopt;
  };
  CK_ATTRIBUTE in_session[] = {attribute(CKA_TOKEN, kFalse)};
  CK_OBJECT_HANDLE copy = 0;
  const CK_RV value = session.cryptoki->C_CopyObject(session.handle, key.handle, in_session, 1, &copy);
  if (value != CKR_OK) return refuse(to_error(value, "C_CopyObject").message);
  const auto inspection = inspect_private_key(session, copy, false);
  if (inspection && inspection->problem.empty()) return copy;
  session.cryptoki->C_DestroyObject(session.handle, copy);
  return refuse(inspection ? "the copy's " + inspection->problem : inspection.error().message);
}

Result<Bytes> sign_raw(const Session& session, CK_OBJECT_HANDLE handle, const Key& key, const Mechanism& mechanism,
                       const Hashed& hashed) {
  const bool whole = mechanism.input == SignInput::message;
  if (whole && !hashed.message)
    return fail(Code::bad_request, fmt::format("the token makes {} over whole messages only, not over a hash",
                                               to_string(hashed.algorithm)));
  CK_MECHANISM argument{mechanism.type, nullptr, 0};
  CK_RSA_PKCS_PSS_PARAMS pss{};
  if (mechanism.pss) {
    pss = *mechanism.pss;
    argument.pParameter = &pss;
    argument.ulParameterLen = sizeof pss;
  }
  TRY(session.cryptoki.check(session.cryptoki->C_SignInit(session.handle, &argument, handle), "C_SignInit"));

  const Bytes encoded = whole ? Bytes() : token_input(key, mechanism, hashed.algorithm, hashed.digest.view());
  const ByteView input = whole ? *hashed.message : ByteView(encoded);
  Bytes signature(key.signature_bytes);
  CK_ULONG size = signature.size();
  TRY(session.cryptoki.check(session.cryptoki->C_Sign(session.handle, const_cast<CK_BYTE*>(input.data()), input.size(),
                                                      signature.data(), &size),
                             "C_Sign"));
  // A shorter answer fails its verification; a longer one must not be believed to have fitted.
  signature.resize(std::min<std::size_t>(size, signature.size()));
  if (size > key.signature_bytes) signature.clear();
  return signature;
}

}  // namespace hubseal::hsm
