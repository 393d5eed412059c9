#include "hsm/public_half.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>

namespace hubseal::hsm {
namespace {

using ParamBuilderPtr = std::unique_ptr<OSSL_PARAM_BLD, Deleter<OSSL_PARAM_BLD_free>>;
using ParamsPtr = std::unique_ptr<OSSL_PARAM, Deleter<OSSL_PARAM_free>>;
using OctetStringPtr = std::unique_ptr<ASN1_OCTET_STRING, Deleter<ASN1_OCTET_STRING_free>>;
using ObjectPtr = std::unique_ptr<ASN1_OBJECT, Deleter<ASN1_OBJECT_free>>;

std::optional<PkeyPtr> build(const char* kind, OSSL_PARAM_BLD* builder) {
  const ParamsPtr params(OSSL_PARAM_BLD_to_param(builder));
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    drain_openssl_errors();
    return std::nullopt;
  }
  return PkeyPtr(key);
}

std::optional<PkeyPtr> rsa_key(const Bytes& modulus, const Bytes& exponent) {
  const BignumPtr n(BN_bin2bn(modulus.data(), static_cast<int>(modulus.size()), nullptr));
  const BignumPtr e(BN_bin2bn(exponent.data(), static_cast<int>(exponent.size()), nullptr));
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  if (!n || !e || BN_is_zero(n.get()) || BN_is_zero(e.get()) || !builder ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
    return std::nullopt;
  return build("RSA", builder.get());
}

/// CKA_EC_POINT is an OCTET STRING around the point; some tokens leave the OCTET STRING out.
Bytes unwrap_point(const Bytes& value) {
  const unsigned char* next = value.data();
  const OctetStringPtr wrapped(d2i_ASN1_OCTET_STRING(nullptr, &next, static_cast<long>(value.size())));
  drain_openssl_errors();
  if (!wrapped || next != value.data() + value.size()) return value;
  const unsigned char* point = ASN1_STRING_get0_data(wrapped.get());
  return {point, point + ASN1_STRING_length(wrapped.get())};
}

std::optional<PkeyPtr> ec_key(const Bytes& parameters, const Bytes& point_value) {
  const unsigned char* next = parameters.data();
  const ObjectPtr curve(d2i_ASN1_OBJECT(nullptr, &next, static_cast<long>(parameters.size())));
  drain_openssl_errors();
  const char* name = curve ? OBJ_nid2sn(OBJ_obj2nid(curve.get())) : nullptr;
  const Bytes point = unwrap_point(point_value);
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  if (!name || !builder || OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, name, 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1)
    return std::nullopt;
  return build("EC", builder.get());
}

}  // namespace

Result<std::optional<PkeyPtr>> public_half_of(const Session& session, CK_OBJECT_HANDLE object) {
  const auto kind = TRY(read_number(session, object, CKA_KEY_TYPE));
  if (kind == CKK_RSA) {
    const auto modulus = TRY(read_attribute(session, object, CKA_MODULUS));
    const auto exponent = TRY(read_attribute(session, object, CKA_PUBLIC_EXPONENT));
    if (modulus && exponent) return rsa_key(*modulus, *exponent);
  } else if (kind == CKK_EC) {
    const auto parameters = TRY(read_attribute(session, object, CKA_EC_PARAMS));
    const auto point = TRY(read_attribute(session, object, CKA_EC_POINT));
    if (parameters && point) return ec_key(*parameters, *point);
  }
  return std::nullopt;
}

Result<std::optional<PkeyPtr>> public_half_of_certificate(const Session& session, CK_OBJECT_HANDLE object) {
  const auto der = TRY(read_attribute(session, object, CKA_VALUE));
  if (!der) return std::nullopt;
  const unsigned char* next = der->data();
  const CertificatePtr certificate(d2i_X509(nullptr, &next, static_cast<long>(der->size())));
  PkeyPtr key(certificate ? X509_get_pubkey(certificate.get()) : nullptr);
  drain_openssl_errors();
  if (!key) return std::nullopt;
  return key;
}

}  // namespace hubseal::hsm
