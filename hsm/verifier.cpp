#include "hsm/verifier.h"

#include <algorithm>

#include <fmt/format.h>
#include <openssl/rsa.h>

namespace hubseal::hsm {
namespace {

using MdPtr = std::unique_ptr<EVP_MD, Deleter<EVP_MD_free>>;

/// EVP_sha256() and its like are fetched again by every EVP_Digest; these are fetched once.
const EVP_MD* fetched_hash(SignatureAlgorithm algorithm) {
  static const MdPtr sha256(EVP_MD_fetch(nullptr, "SHA256", nullptr));
  static const MdPtr sha384(EVP_MD_fetch(nullptr, "SHA384", nullptr));
  static const MdPtr sha512(EVP_MD_fetch(nullptr, "SHA512", nullptr));
  const EVP_MD* hash = hash_of(algorithm);
  return hash == EVP_sha256() ? sha256.get() : hash == EVP_sha384() ? sha384.get() : sha512.get();
}

PkeyContextPtr prepare(EVP_PKEY* key, SignatureAlgorithm algorithm) {
  PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  bool good = context && EVP_PKEY_verify_init(context.get()) == 1;
  if (good && is_rsa(algorithm))
    good =
        EVP_PKEY_CTX_set_rsa_padding(context.get(), is_pss(algorithm) ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) == 1;
  good = good && EVP_PKEY_CTX_set_signature_md(context.get(), hash_of(algorithm)) == 1;
  if (good && is_pss(algorithm)) good = EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), RSA_PSS_SALTLEN_DIGEST) == 1;
  return good ? std::move(context) : nullptr;
}

}  // namespace

Result<Digest> hash_message(SignatureAlgorithm algorithm, ByteView message) {
  thread_local const MdContextPtr context(EVP_MD_CTX_new());
  Digest digest;
  unsigned size = 0;
  if (!context || EVP_DigestInit_ex2(context.get(), fetched_hash(algorithm), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), message.data(), message.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), digest.bytes.data(), &size) != 1)
    return fail(Code::internal, "hashing failed: " + drain_openssl_errors());
  digest.size = size;
  return digest;
}

Result<Digest> take_digest(SignatureAlgorithm algorithm, ByteView digest) {
  const auto wanted = static_cast<std::size_t>(EVP_MD_get_size(hash_of(algorithm)));
  if (digest.size() != wanted)
    return fail(Code::bad_request,
                fmt::format("a digest of {} bytes; wanted {} for {}", digest.size(), wanted, to_string(algorithm)));
  Digest taken;
  std::copy(digest.begin(), digest.end(), taken.bytes.begin());
  taken.size = wanted;
  return taken;
}

bool Verifier::verify(EVP_PKEY* key, SignatureAlgorithm algorithm, const Digest& digest, ByteView signature) {
  PkeyContextPtr& context = contexts_[static_cast<std::size_t>(algorithm)];
  if (!context) context = prepare(key, algorithm);
  Bytes der;
  if (!is_rsa(algorithm)) {
    auto encoded = ecdsa_raw_to_der(signature);
    if (!encoded) return false;
    der = *std::move(encoded);
    signature = der;
  }
  const bool good = context && EVP_PKEY_verify(context.get(), signature.data(), signature.size(), digest.bytes.data(),
                                               digest.size) == 1;
  if (!good) drain_openssl_errors();
  return good;
}

}  // namespace hubseal::hsm
