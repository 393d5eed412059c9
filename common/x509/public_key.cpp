#include "common/x509/public_key.h"

#include <algorithm>

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "common/key_types.h"
#include "common/x509/der.h"

namespace hubseal::x509 {
namespace {

using ParamBuilderPtr = std::unique_ptr<OSSL_PARAM_BLD, Deleter<OSSL_PARAM_BLD_free>>;
using ParamsPtr = std::unique_ptr<OSSL_PARAM, Deleter<OSSL_PARAM_free>>;

tl::unexpected<Error> not_a_key(std::string_view problem) {
  return fail(Code::bad_request, fmt::format("not a SubjectPublicKeyInfo: {}", problem));
}

bool same(ByteView a, ByteView b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

Result<PkeyPtr> build_key(const char* kind, int selection, OSSL_PARAM* parts) {
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
  EVP_PKEY* key = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, selection, parts) != 1)
    return not_a_key(fmt::format("a wrong {} key: {}", kind, drain_openssl_errors()));
  return PkeyPtr(key);
}

/// A curve without a point. Null where libcrypto does not know it.
PkeyPtr curve_alone(const char* curve) {
  OSSL_PARAM parts[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>(curve), 0),
                        OSSL_PARAM_END};
  auto key = build_key("EC", EVP_PKEY_KEY_PARAMETERS, parts);
  return key ? *std::move(key) : nullptr;
}

/// A number of an RSAPublicKey. libcrypto takes a modulus without its leading zero for the same key,
/// though DER calls it negative.
Result<ByteView> take_number(ByteView& numbers) {
  const ByteView value = TRY(take_value(numbers));
  const ByteView number = TRY(content_of(value, 0x02));
  if (number.empty() || number[0] & 0x80) return not_a_key("a negative number in an RSA key");
  return number;
}

Result<PkeyPtr> rsa_key(ByteView encoded) {
  TRY(check_der(encoded));
  ByteView numbers = TRY(content_of(encoded, 0x30));
  const ByteView modulus = TRY(take_number(numbers));
  const ByteView exponent = TRY(take_number(numbers));
  if (!numbers.empty()) return not_a_key("an RSA key of more than two numbers");
  return rsa_public_key(modulus, exponent);
}

struct Curve {
  Bytes algorithm;  ///< AlgorithmIdentifier { id-ecPublicKey, the curve }
  const char* name;
  std::size_t point_bytes;  ///< uncompressed
};

Result<PkeyPtr> ec_key(const Curve& curve, ByteView point) {
  if (point.size() != curve.point_bytes || point[0] != 0x04) return not_a_key("a point that is not uncompressed");
  return ec_public_key(curve.name, point);
}

/// Whatever else libcrypto can read, as long as it would write it the same way: none of it is certified.
/// A key of a kind that is, in another encoding (a curve by its parameters, say), would be another key id
/// for the same key.
Result<PkeyPtr> other_key(ByteView spki) {
  const unsigned char* next = spki.data();
  PkeyPtr key(d2i_PUBKEY(nullptr, &next, static_cast<long>(spki.size())));
  if (!key || next != spki.data() + spki.size()) return not_a_key(drain_openssl_errors());
  const Bytes encoded = TRY(spki_of(key.get()));
  if (!same(encoded, spki)) return not_a_key("not encoded as DER prescribes");
  if (const auto type = key_type_of(key.get()))
    return not_a_key(fmt::format("an {} key in another encoding than RFC 8017 and RFC 5480 (a named curve) prescribe",
                                 to_string(*type)));
  return key;
}

}  // namespace

Result<PkeyPtr> rsa_public_key(ByteView modulus, ByteView exponent) {
  const BignumPtr n(BN_bin2bn(modulus.data(), static_cast<int>(modulus.size()), nullptr));
  const BignumPtr e(BN_bin2bn(exponent.data(), static_cast<int>(exponent.size()), nullptr));
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
    return not_a_key("an RSA key without its numbers: " + drain_openssl_errors());
  const ParamsPtr parts(OSSL_PARAM_BLD_to_param(builder.get()));
  return build_key("RSA", EVP_PKEY_PUBLIC_KEY, parts.get());
}

Result<PkeyPtr> ec_public_key(const char* curve, ByteView point) {
  // libcrypto takes four times as long to set up a curve as to copy it.
  static const PkeyPtr kP256 = curve_alone("P-256"), kP384 = curve_alone("P-384");
  const EVP_PKEY* alone = std::string_view(curve) == "P-256" ? kP256.get() : kP384.get();
  PkeyPtr key(EVP_PKEY_new());
  if (!key || !alone || EVP_PKEY_copy_parameters(key.get(), alone) != 1 ||
      EVP_PKEY_set1_encoded_public_key(key.get(), point.data(), point.size()) != 1)
    return not_a_key(fmt::format("a wrong EC key: {}", drain_openssl_errors()));
  return key;
}

Result<PkeyPtr> public_key_from_spki(ByteView spki) {
  static const Bytes kRsa = from_hex("300d06092a864886f70d0101010500").value();  // rsaEncryption, NULL
  static const Curve kCurves[] = {{from_hex("301306072a8648ce3d020106082a8648ce3d030107").value(), "P-256", 65},
                                  {from_hex("301006072a8648ce3d020106052b81040022").value(), "P-384", 97}};
  TRY(check_der(spki));
  ByteView fields = TRY(content_of(spki, 0x30));
  const ByteView algorithm = TRY(take_value(fields));
  const ByteView bit_string = TRY(take_value(fields));
  const ByteView bits = TRY(content_of(bit_string, 0x03));
  if (!fields.empty()) return not_a_key("something after the key");
  if (bits.size() < 2 || bits[0] != 0) return not_a_key("a key that is not whole bytes");
  if (same(algorithm, kRsa)) return rsa_key(bits.subspan(1));
  for (const Curve& curve : kCurves)
    if (same(algorithm, curve.algorithm)) return ec_key(curve, bits.subspan(1));
  return other_key(spki);
}

}  // namespace hubseal::x509
