#include "daemon/approvals/approver_key.h"

#include <fmt/format.h>

#include "common/key_types.h"
#include "common/x509/der.h"
#include "common/x509/public_key.h"

namespace hubseal::daemon {
namespace {

constexpr std::size_t kP256Coordinate = 32;  // bytes

bool is_ed25519(const EVP_PKEY* key) { return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519; }

bool verify_ed25519(EVP_PKEY* key, ByteView message, ByteView signature) {
  const MdContextPtr context(EVP_MD_CTX_new());
  const bool good =
      context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
      EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
  if (!good) drain_openssl_errors();
  return good;
}

}  // namespace

Result<PkeyPtr> read_approver_key(ByteView spki) {
  PkeyPtr key = TRY(x509::public_key_from_spki(spki));
  if (is_ed25519(key.get())) return key;
  const auto type = key_type_of(key.get());
  if (type && *type == KeyType::ec_p256) return key;
  return fail(Code::policy_denied, fmt::format("the key of an approver is {}; wanted P-256 or Ed25519",
                                               type ? to_string(*type) : "of a kind that is not used here"));
}

bool verify_with_approver_key(EVP_PKEY* key, ByteView message, ByteView signature) {
  if (is_ed25519(key)) return verify_ed25519(key, message, signature);
  if (!x509::check_der(signature)) return false;
  const auto raw = ecdsa_der_to_raw(signature, kP256Coordinate);
  return raw && verify_signature(key, SignatureAlgorithm::ecdsa_sha256, message, *raw);
}

}  // namespace hubseal::daemon
