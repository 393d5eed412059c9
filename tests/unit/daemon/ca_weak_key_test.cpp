#include <sstream>

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <boost/test/unit_test.hpp>

#include "common/x509/weak_key.h"
#include "daemon/ca/policy.h"
#include "tests/support/ca_fixture.h"
#include "tests/support/software_signer.h"

using namespace hubseal;

namespace {

/// A public key of these numbers (hexadecimal).
PkeyPtr rsa(const std::string& modulus, const std::string& exponent = "010001") {
  BIGNUM *n = nullptr, *e = nullptr;
  BN_hex2bn(&n, modulus.c_str());
  BN_hex2bn(&e, exponent.c_str());
  const BignumPtr own_n(n), own_e(e);
  const std::unique_ptr<OSSL_PARAM_BLD, Deleter<OSSL_PARAM_BLD_free>> builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n);
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e);
  const std::unique_ptr<OSSL_PARAM, Deleter<OSSL_PARAM_free>> parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  BOOST_REQUIRE(EVP_PKEY_fromdata_init(context.get()) == 1);
  BOOST_REQUIRE(EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) == 1);
  return PkeyPtr(key);
}

std::string weakness(const PkeyPtr& key) { return x509::weakness_of_rsa(key.get()).value_or("none"); }

bool has(const std::string& text, const std::string& words) { return text.find(words) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(ca_weak_key)

// tests/vectors/make_weak_keys.py made them and knows what is wrong with each.
BOOST_AUTO_TEST_CASE(CA_B_Baseline_6_1_1_3_each_vector_is_told_for_what_it_is) {
  std::istringstream lines(test::source_file("tests/vectors/weak_keys.txt"));
  int seen = 0;
  for (std::string word, modulus; lines >> word >> modulus; ++seen) {
    const std::string found = weakness(rsa(modulus));
    const char* wanted = word == "roca" ? "ROCA" : word == "sound" ? "none" : "close together";
    BOOST_TEST(has(found, wanted), word << ": " << found);
  }
  BOOST_TEST(seen == 8);
}

BOOST_AUTO_TEST_CASE(exponents_are_odd_and_neither_small_nor_huge) {
  std::istringstream lines(test::source_file("tests/vectors/weak_keys.txt"));
  std::string word, modulus;
  while (word != "sound") lines >> word >> modulus;
  BOOST_TEST(has(weakness(rsa(modulus, "03")), "exponent of 2 bits"));
  BOOST_TEST(has(weakness(rsa(modulus, "010002")), "even"));
  BOOST_TEST(has(weakness(rsa(modulus, "01" + std::string(63, '0') + "1")), "exponent of 257 bits"));
  BOOST_TEST(weakness(rsa(modulus, "010003")) == "none");
}

BOOST_AUTO_TEST_CASE(CA_B_Baseline_6_1_1_3_small_factors_are_found) {
  std::string even(512, 'f');
  even.back() = 'e';
  BOOST_TEST(has(weakness(rsa(even)), "small factor"));
  BOOST_TEST(has(weakness(rsa(std::string(512, 'f'))), "small factor"));  // 2^2048 - 1 is divisible by 3
}

BOOST_AUTO_TEST_CASE(keys_that_openssl_makes_are_sound) {
  for (const KeyType type : {KeyType::rsa_2048, KeyType::rsa_3072})
    BOOST_TEST(weakness(test::make_key(type)) == "none");
}

BOOST_AUTO_TEST_CASE(CA_B_Baseline_6_1_1_3_the_profile_refuses_what_is_weak) {
  std::istringstream lines(test::source_file("tests/vectors/weak_keys.txt"));
  for (std::string word, modulus; lines >> word >> modulus;) {
    const auto decided = ca::decide_key(test::profile("dfsp-client"), rsa(modulus).get());
    BOOST_TEST(decided.has_value() == (word == "sound"), word);
    if (!decided) BOOST_TEST((decided.error().code == Code::policy_denied), word);
  }
}

BOOST_AUTO_TEST_SUITE_END()
