#include "common/jose/jwk.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/must.h"
#include "tests/support/software_signer.h"

using namespace hubseal;

BOOST_AUTO_TEST_SUITE(jwk)

// The example of RFC 7638 section 3.1.
BOOST_AUTO_TEST_CASE(RFC_7517_the_thumbprint_is_that_of_the_example_of_rfc_7638) {
  const Json key = {
      {"kty", "RSA"},
      {"n",
       "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
       "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA"
       "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-"
       "kEgU8awapJzKnqDKgw"},
      {"e", "AQAB"},
      {"alg", "RS256"},
      {"kid", "2011-04-29"}};
  BOOST_TEST(jose::thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

// The public keys of RFC 7517 appendix A.1, and what they are when they are written again.
BOOST_AUTO_TEST_CASE(RFC_7517_the_keys_of_the_standard_are_read) {
  const Json ec = {{"kty", "EC"},
                   {"crv", "P-256"},
                   {"x", "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"},
                   {"y", "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}};
  BOOST_TEST(jose::to_jwk(jose::from_jwk(ec).value().get()).value() == ec);
  const Json rsa = {
      {"kty", "RSA"},
      {"n",
       "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
       "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA"
       "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-"
       "kEgU8awapJzKnqDKgw"},
      {"e", "AQAB"}};
  BOOST_TEST(jose::to_jwk(jose::from_jwk(rsa).value().get()).value() == rsa);
  for (const auto& [member, value] :
       {std::pair("kty", "oct"), {"e", "AQ"}, {"e", "AAAA"}, {"n", "AQAB"}, {"n", "0vx7=="}}) {
    Json wrong = rsa;
    wrong[member] = value;
    BOOST_TEST(!jose::from_jwk(wrong).has_value(), member << " " << value);
  }
  for (const auto& [member, value] : {std::pair("crv", "P-521"),
                                      {"crv", "P-384"},
                                      {"x", "AQAB"},
                                      {"y", "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"}}) {
    Json wrong = ec;
    wrong[member] = value;
    BOOST_TEST(!jose::from_jwk(wrong).has_value(), member << " " << value);
  }
}

BOOST_AUTO_TEST_CASE(coordinates_have_the_full_length_of_their_curve) {
  for (const auto& [type, curve, bytes] :
       {std::tuple{KeyType::ec_p256, "P-256", 32U}, std::tuple{KeyType::ec_p384, "P-384", 48U}}) {
    const Json key = test::must(jose::to_jwk(test::make_key(type).get()));
    BOOST_TEST(key["kty"] == "EC");
    BOOST_TEST(key["crv"] == curve);
    for (const char* coordinate : {"x", "y"})
      BOOST_TEST(test::must(from_base64url(key[coordinate].get<std::string>())).size() == bytes);
  }
}

BOOST_AUTO_TEST_CASE(each_kind_of_key_has_its_algorithm) {
  const auto usual = [](KeyType type) { return jose::jws_algorithm(jose::signature_algorithm(type)); };
  BOOST_TEST(usual(KeyType::rsa_2048) == "RS256");
  BOOST_TEST(usual(KeyType::ec_p256) == "ES256");
  BOOST_TEST(usual(KeyType::ec_p384) == "ES384");
}

BOOST_AUTO_TEST_CASE(the_hash_is_free_with_RSA_and_that_of_the_curve_with_EC) {
  for (const auto& [word, algorithm] : jose::kJwsAlgorithms) {
    BOOST_TEST(jose::is_jws_algorithm_of(KeyType::rsa_3072, algorithm) == word.starts_with("RS"), word);
    BOOST_TEST(jose::is_jws_algorithm_of(KeyType::ec_p256, algorithm) == (word == "ES256"), word);
    BOOST_TEST(jose::is_jws_algorithm_of(KeyType::ec_p384, algorithm) == (word == "ES384"), word);
  }
  BOOST_TEST(!jose::is_jws_algorithm_of(KeyType::rsa_2048, SignatureAlgorithm::rsa_pss_sha256));
}

BOOST_AUTO_TEST_SUITE_END()
