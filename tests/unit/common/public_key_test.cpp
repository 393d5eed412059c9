#include "common/x509/public_key.h"

#include <openssl/core_names.h>
#include <boost/test/unit_test.hpp>

#include "common/key_types.h"
#include "common/x509/der.h"
#include "tests/support/must.h"
#include "tests/support/software_signer.h"

using namespace hubseal;
using test::must;
using x509::public_key_from_spki;

namespace {

const Bytes kRsaEncryption = must(from_hex("300d06092a864886f70d0101010500"));
const Bytes kP256 = must(from_hex("301306072a8648ce3d020106082a8648ce3d030107"));

PkeyPtr as_libcrypto_reads(const Bytes& spki) {
  const unsigned char* next = spki.data();
  return PkeyPtr(d2i_PUBKEY(nullptr, &next, static_cast<long>(spki.size())));
}

Bytes spki(const Bytes& algorithm, const Bytes& key) {
  Bytes bits = {0};
  bits.insert(bits.end(), key.begin(), key.end());
  return x509::der_value(0x30, {algorithm, x509::der_value(0x03, {bits})});
}

Bytes number(std::string_view hex) { return x509::der_value(0x02, {must(from_hex(hex))}); }

/// An uncompressed P-256 point.
Bytes point_of_p256() {
  const Bytes whole = must(spki_of(test::make_key(KeyType::ec_p256).get()));
  return Bytes(whole.end() - 65, whole.end());
}

void check_refused(const Bytes& encoded, std::string_view words) {
  const auto key = public_key_from_spki(encoded);
  BOOST_REQUIRE(!key.has_value());
  BOOST_TEST(to_string(key.error().code) == "bad_request");
  BOOST_TEST(key.error().message.find(words) != std::string::npos, key.error().message);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(public_key)

BOOST_AUTO_TEST_CASE(keys_of_every_kind_are_what_libcrypto_reads) {
  std::vector<PkeyPtr> keys;
  for (const auto& [name, type] : kKeyTypes) keys.push_back(test::make_key(type));
  for (const char* curve : {"P-521", "secp256k1"}) keys.emplace_back(EVP_EC_gen(curve));
  keys.emplace_back(EVP_RSA_gen(1024));
  keys.emplace_back(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  for (const PkeyPtr& key : keys) {
    const Bytes encoded = must(spki_of(key.get()));
    const PkeyPtr read = must(public_key_from_spki(encoded));
    BOOST_TEST(EVP_PKEY_eq(read.get(), as_libcrypto_reads(encoded).get()) == 1);
    BOOST_TEST((must(spki_of(read.get())) == encoded));
  }
}

BOOST_AUTO_TEST_CASE(a_key_with_bytes_behind_it_or_inside_it_is_refused) {
  const Bytes good = must(spki_of(test::make_key(KeyType::ec_p256).get()));
  Bytes longer = good;
  longer.push_back(0);
  check_refused(longer, "not DER");
  const Bytes point = point_of_p256();
  Bytes bits = {0};
  bits.insert(bits.end(), point.begin(), point.end());
  check_refused(x509::der_value(0x30, {kP256, x509::der_value(0x03, {bits}), number("01")}), "something after the key");
}

BOOST_AUTO_TEST_CASE(only_uncompressed_points_on_the_curve_are_taken) {
  Bytes point = point_of_p256();
  BOOST_TEST(public_key_from_spki(spki(kP256, point)).has_value());
  Bytes compressed(point.begin(), point.begin() + 33);
  compressed[0] = static_cast<std::uint8_t>(0x02 | (point.back() & 1));
  BOOST_TEST((as_libcrypto_reads(spki(kP256, compressed)) != nullptr));
  check_refused(spki(kP256, compressed), "not uncompressed");
  point.back() ^= 1;
  BOOST_TEST((as_libcrypto_reads(spki(kP256, point)) == nullptr));
  check_refused(spki(kP256, point), "a wrong EC key");
  check_refused(spki(kP256, {}), "not whole bytes");
}

BOOST_AUTO_TEST_CASE(PKI_8_a_curve_by_its_parameters_is_not_another_encoding_of_a_named_one) {
  for (const char* curve : {"P-256", "P-384"})
    for (const char* form : {"uncompressed", "compressed", "hybrid"}) {
      const PkeyPtr key(EVP_EC_gen(curve));
      BOOST_REQUIRE(EVP_PKEY_set_utf8_string_param(key.get(), OSSL_PKEY_PARAM_EC_ENCODING, "explicit") == 1);
      BOOST_REQUIRE(EVP_PKEY_set_utf8_string_param(key.get(), OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, form) == 1);
      const Bytes encoded = must(spki_of(key.get()));
      BOOST_TEST((as_libcrypto_reads(encoded) != nullptr));
      check_refused(encoded, "encod");  // in another encoding, or encoded as libcrypto would not do it
    }
}

BOOST_AUTO_TEST_CASE(an_rsa_key_is_two_positive_numbers) {
  const std::string modulus = "00" + std::string(512, 'c');
  const Bytes n = number(modulus), e = number("010001");
  BOOST_TEST(public_key_from_spki(spki(kRsaEncryption, x509::der_value(0x30, {n, e}))).has_value());
  const Bytes negative = number(modulus.substr(2));
  BOOST_TEST((as_libcrypto_reads(spki(kRsaEncryption, x509::der_value(0x30, {negative, e}))) != nullptr));
  check_refused(spki(kRsaEncryption, x509::der_value(0x30, {negative, e})), "negative");
  check_refused(spki(kRsaEncryption, x509::der_value(0x30, {n, e, e})), "more than two numbers");
  check_refused(spki(kRsaEncryption, x509::der_value(0x30, {n})), "not DER");
}

BOOST_AUTO_TEST_SUITE_END()
