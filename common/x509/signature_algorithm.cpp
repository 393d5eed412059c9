#include "common/x509/signature_algorithm.h"

#include <algorithm>
#include <array>

#include "common/openssl.h"

namespace hubseal::x509 {
namespace {

constexpr std::array kSound = {
    NID_sha256WithRSAEncryption, NID_sha384WithRSAEncryption, NID_sha512WithRSAEncryption,
    NID_ecdsa_with_SHA256,       NID_ecdsa_with_SHA384,       NID_ecdsa_with_SHA512,
};
constexpr std::array kSoundHashes = {NID_sha256, NID_sha384, NID_sha512};

template <class List>
bool holds(const List& list, int nid) {
  return std::find(list.begin(), list.end(), nid) != list.end();
}

int pss_hash(const X509_ALGOR* algorithm) {
  int type = 0;
  const void* value = nullptr;
  X509_ALGOR_get0(nullptr, &type, &value, algorithm);
  if (type != V_ASN1_SEQUENCE) return NID_undef;
  const auto* sequence = static_cast<const ASN1_STRING*>(value);
  const unsigned char* position = ASN1_STRING_get0_data(sequence);
  const std::unique_ptr<RSA_PSS_PARAMS, Deleter<RSA_PSS_PARAMS_free>> parameters(
      d2i_RSA_PSS_PARAMS(nullptr, &position, ASN1_STRING_length(sequence)));
  if (!parameters || !parameters->hashAlgorithm) return NID_undef;
  return OBJ_obj2nid(parameters->hashAlgorithm->algorithm);
}

}  // namespace

bool is_sound_signature(const X509_ALGOR* algorithm) {
  if (!algorithm) return false;
  const ASN1_OBJECT* type = nullptr;
  X509_ALGOR_get0(&type, nullptr, nullptr, algorithm);
  const int nid = OBJ_obj2nid(type);
  return nid == NID_rsassaPss ? holds(kSoundHashes, pss_hash(algorithm)) : holds(kSound, nid);
}

}  // namespace hubseal::x509
