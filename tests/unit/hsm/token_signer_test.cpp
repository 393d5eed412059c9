#include "hsm/token_signer.h"

#include <boost/test/unit_test.hpp>

#include "hsm/init_token.h"
#include "tests/support/test_token.h"

namespace hubseal::hsm {
namespace {

using test::TestToken;

BOOST_AUTO_TEST_SUITE(token_signer)

BOOST_AUTO_TEST_CASE(a_generated_key_signs_and_is_found_again_by_another_signer) {
  const TestToken token;
  KeyId id;
  {
    const auto signer = open_token(token.config());
    BOOST_REQUIRE_MESSAGE(signer, signer.error().message);
    const auto key = (*signer)->generate_key(KeyType::ec_p256, "one");
    BOOST_REQUIRE_MESSAGE(key, key.error().message);
    id = key->id;
    BOOST_TEST((key->grade == Grade::generated));
    BOOST_TEST((*signer)->status().generation == 1U);
  }
  const auto again = open_token(token.config());
  BOOST_REQUIRE_MESSAGE(again, again.error().message);
  BOOST_TEST((*again)->list_keys()->size() == 1U);
  const auto signature = (*again)->sign(id, SignatureAlgorithm::ecdsa_sha256, as_bytes("hello"));
  BOOST_REQUIRE_MESSAGE(signature, signature.error().message);
  const auto public_key = public_key_from_spki((*again)->find_key(id)->spki);
  BOOST_TEST(verify_signature(public_key->get(), SignatureAlgorithm::ecdsa_sha256, as_bytes("hello"), *signature));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hubseal::hsm
