#include "hsm/key.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "tests/support/fake_token.h"
#include "tests/unit/hsm/raw_token.h"
#include "tests/unit/hsm/signer_checks.h"

namespace hubseal::hsm {
namespace {

using test::FakeToken;
using test::TestToken;

Bytes big_number(const EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  BOOST_REQUIRE(EVP_PKEY_get_bn_param(key, name, &number) == 1);
  const BignumPtr owner(number);
  Bytes bytes(static_cast<std::size_t>(BN_num_bytes(number)));
  BN_bn2bin(number, bytes.data());
  return bytes;
}

/// Puts a key that OpenSSL made on the token: every attribute as it must be, but never generated there.
void import_rsa(RawToken& raw, const EVP_PKEY* key, std::string_view label) {
  const CK_OBJECT_CLASS kind = CKO_PRIVATE_KEY;
  const CK_KEY_TYPE type = CKK_RSA;
  const Bytes n = big_number(key, OSSL_PKEY_PARAM_RSA_N), e = big_number(key, OSSL_PKEY_PARAM_RSA_E),
              d = big_number(key, OSSL_PKEY_PARAM_RSA_D), p = big_number(key, OSSL_PKEY_PARAM_RSA_FACTOR1),
              q = big_number(key, OSSL_PKEY_PARAM_RSA_FACTOR2), dp = big_number(key, OSSL_PKEY_PARAM_RSA_EXPONENT1),
              dq = big_number(key, OSSL_PKEY_PARAM_RSA_EXPONENT2),
              qi = big_number(key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1);
  raw.create(
      {attribute(CKA_CLASS, kind),          attribute(CKA_KEY_TYPE, type),     attribute(CKA_TOKEN, kTrue),
       attribute(CKA_PRIVATE, kTrue),       attribute(CKA_SENSITIVE, kTrue),   attribute(CKA_EXTRACTABLE, kFalse),
       attribute(CKA_SIGN, kTrue),          attribute(CKA_DECRYPT, kFalse),    attribute(CKA_UNWRAP, kFalse),
       attribute(CKA_SIGN_RECOVER, kFalse), attribute(CKA_DERIVE, kFalse),     attribute(CKA_LABEL, as_bytes(label)),
       attribute(CKA_MODULUS, n),           attribute(CKA_PUBLIC_EXPONENT, e), attribute(CKA_PRIVATE_EXPONENT, d),
       attribute(CKA_PRIME_1, p),           attribute(CKA_PRIME_2, q),         attribute(CKA_EXPONENT_1, dp),
       attribute(CKA_EXPONENT_2, dq),       attribute(CKA_COEFFICIENT, qi)});
}

BOOST_AUTO_TEST_SUITE(keys_of_a_token)

BOOST_AUTO_TEST_CASE(an_imported_key_signs_and_says_that_it_was_imported) {
  const TestToken token;
  const PkeyPtr made(EVP_RSA_gen(2048));
  {
    RawToken raw(token);
    import_rsa(raw, made.get(), "from outside");
  }
  const auto signer = open_ok(token.config());
  // No public key and no certificate is on the token: the private key's own modulus names it.
  const auto key = signer->find_key(*key_id_of(made.get()));
  BOOST_REQUIRE_MESSAGE(key, key.error().message);
  BOOST_TEST((key->grade == Grade::imported));
  BOOST_TEST((key->state == KeyState::active));
  BOOST_TEST(signs(*signer, *key));
}

BOOST_AUTO_TEST_CASE(a_key_that_may_do_more_than_sign_is_listed_and_refused) {
  const struct {
    CK_ATTRIBUTE wrong;
    std::string_view name;
  } cases[] = {{attribute(CKA_EXTRACTABLE, kTrue), "CKA_EXTRACTABLE"},
               {attribute(CKA_DECRYPT, kTrue), "CKA_DECRYPT"},
               {attribute(CKA_UNWRAP, kTrue), "CKA_UNWRAP"},
               {attribute(CKA_DERIVE, kTrue), "CKA_DERIVE"},
               {attribute(CKA_SENSITIVE, kFalse), "CKA_SENSITIVE"},
               {attribute(CKA_SIGN, kFalse), "CKA_SIGN"},
               {attribute(CKA_SIGN_RECOVER, kTrue), "CKA_SIGN_RECOVER"},
               {attribute(CKA_PRIVATE, kFalse), "CKA_PRIVATE"}};
  for (const auto& one : cases) {
    BOOST_TEST_CONTEXT(one.name) {
      const TestToken token;
      RawToken(token).generate_ec({one.wrong}, "odd");
      const auto signer = open_ok(token.config());
      const auto keys = signer->list_keys();
      BOOST_REQUIRE_EQUAL(keys->size(), 1U);
      BOOST_TEST((keys->front().state == KeyState::quarantined));
      BOOST_TEST(contains(keys->front().problem, one.name), keys->front().problem);
      const auto refused = signer->sign(keys->front().id, SignatureAlgorithm::ecdsa_sha256, as_bytes("x"));
      BOOST_TEST((refusal_of(refused).code == Code::hsm_unavailable));
      BOOST_TEST((refusal_of(signer->prove_key(keys->front().id)).code == Code::hsm_unavailable));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_key_that_wants_the_pin_for_each_signature_is_refused) {
  const FakeToken token;
  const KeyInfo key = generate_ok(*open_ok(token.config()), KeyType::ec_p256, "jws");
  token.script("attribute 0x202 1\n");
  const auto signer = open_ok(token.config());
  BOOST_TEST((signer->find_key(key.id)->state == KeyState::quarantined));
  BOOST_TEST(contains(refusal_of(signer->prove_key(key.id)).message, "CKA_ALWAYS_AUTHENTICATE is true"));
}

BOOST_AUTO_TEST_CASE(an_attribute_that_changes_while_the_token_is_away_is_noticed_when_it_is_back) {
  const FakeToken token;
  const auto signer = open_ok(token.config());
  const KeyInfo key = generate_ok(*signer, KeyType::ec_p256, "jws");
  token.script("dead 0x32\nattribute 0x162 1\n");  // CKA_EXTRACTABLE
  const auto refused = signer->sign(key.id, SignatureAlgorithm::ecdsa_sha256, as_bytes("x"));
  BOOST_TEST(contains(refusal_of(refused).message, "CKA_EXTRACTABLE"));
  BOOST_TEST((signer->find_key(key.id)->state == KeyState::quarantined));
}

BOOST_AUTO_TEST_CASE(two_private_keys_with_one_public_key_are_both_refused) {
  const TestToken token;
  {
    RawToken raw(token);
    const KeyPair pair = raw.generate_ec({}, "hub-ca");
    raw.copy(pair.private_key, {attribute(CKA_LABEL, as_bytes("the other"))});
  }
  const auto signer = open_ok(token.config());
  const auto keys = signer->list_keys();
  BOOST_REQUIRE_EQUAL(keys->size(), 1U);
  BOOST_TEST((keys->front().state == KeyState::quarantined));
  BOOST_TEST(contains(keys->front().problem, "two private keys"));
  BOOST_TEST((refusal_of(signer->prove_key(keys->front().id)).code == Code::hsm_unavailable));
}

BOOST_AUTO_TEST_CASE(two_key_pairs_with_one_label_are_two_keys) {
  const TestToken token;
  {
    RawToken raw(token);
    raw.generate_ec({}, "same", 1);
    raw.generate_ec({}, "same", 2);
  }
  const auto signer = open_ok(token.config());
  const auto keys = signer->list_keys();
  BOOST_REQUIRE_EQUAL(keys->size(), 2U);
  BOOST_TEST((keys->front().id != keys->back().id));
  for (const KeyInfo& key : *keys) {
    BOOST_TEST(key.label == "same");
    BOOST_TEST((key.state == KeyState::active));
    BOOST_TEST(signs(*signer, key));
  }
}

BOOST_AUTO_TEST_CASE(two_ec_key_pairs_with_one_cka_id_are_left_out) {
  const TestToken token;
  {
    // An EC private key of SoftHSM does not show its public point, so nothing says which half belongs to which.
    RawToken raw(token);
    raw.generate_ec({}, "one");
    raw.generate_ec({}, "the other");
  }
  const auto signer = open_ok(token.config());
  BOOST_TEST(signer->list_keys()->empty());
}

BOOST_AUTO_TEST_CASE(a_private_key_without_a_public_half_is_left_out) {
  const TestToken token;
  {
    RawToken raw(token);
    raw.destroy(raw.generate_ec({}, "half").public_key);
  }
  BOOST_TEST(open_ok(token.config())->list_keys()->empty());
}

BOOST_AUTO_TEST_CASE(a_certificate_with_the_keys_id_tells_its_public_half) {
  const TestToken token;
  Bytes spki;
  {
    RawToken raw(token);
    const KeyPair pair = raw.generate_ec({}, "certified");
    const Key key = *read_key(raw.session(), pair.private_key, pair.public_key);
    spki = key.spki;
    // Only the public key of the certificate matters here, so any signature will do.
    const CertificatePtr certificate(X509_new());
    const PkeyPtr issuer(EVP_EC_gen("P-256"));
    X509_set_pubkey(certificate.get(), key.public_key.get());
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    BOOST_REQUIRE(X509_sign(certificate.get(), issuer.get(), EVP_sha256()) > 0);
    unsigned char* der = nullptr;
    const int size = i2d_X509(certificate.get(), &der);
    const Bytes value(der, der + size);
    OPENSSL_free(der);
    raw.destroy(pair.public_key);
    const CK_OBJECT_CLASS kind = CKO_CERTIFICATE;
    const CK_CERTIFICATE_TYPE type = CKC_X_509;
    const std::uint8_t id[] = {0x2a};
    raw.create({attribute(CKA_CLASS, kind), attribute(CKA_CERTIFICATE_TYPE, type), attribute(CKA_TOKEN, kTrue),
                attribute(CKA_ID, id), attribute(CKA_SUBJECT, as_bytes("x")), attribute(CKA_VALUE, value)});
  }
  const auto signer = open_ok(token.config());
  const auto key = signer->find_key(sha256(spki));
  BOOST_REQUIRE_MESSAGE(key, key.error().message);
  BOOST_TEST(signs(*signer, *key));
}

BOOST_AUTO_TEST_CASE(a_generated_key_that_reads_back_wrong_is_destroyed_and_reported) {
  const FakeToken token;
  const auto signer = open_ok(token.config());
  token.script("attribute 0x162 1\n");
  const Error refused = refusal_of(signer->generate_key(KeyType::ec_p256, "jws"));
  BOOST_TEST((refused.code == Code::hsm_unavailable));
  BOOST_TEST(contains(refused.message, "CKA_EXTRACTABLE"), refused.message);
  BOOST_TEST(token.calls("C_DestroyObject") == 2U);
  token.script("");
  BOOST_TEST(signer->list_keys()->empty());
  generate_ok(*signer, KeyType::ec_p256, "jws");
}

BOOST_AUTO_TEST_CASE(a_generated_key_that_was_not_made_in_the_token_is_destroyed) {
  const FakeToken token;
  const auto signer = open_ok(token.config());
  token.script("attribute 0x163 0\n");  // CKA_LOCAL
  BOOST_TEST(contains(refusal_of(signer->generate_key(KeyType::ec_p256, "jws")).message, "CKA_LOCAL"));
  BOOST_TEST(token.calls("C_DestroyObject") == 2U);
}

BOOST_AUTO_TEST_CASE(a_generated_key_of_another_type_than_wanted_is_destroyed) {
  const FakeToken token;
  const auto signer = open_ok(token.config());
  token.script("curve C_GenerateKeyPair 1 384\n");
  const Error refused = refusal_of(signer->generate_key(KeyType::ec_p256, "jws"));
  BOOST_TEST(contains(refused.message, "it is ec_p384, wanted ec_p256"), refused.message);
  BOOST_TEST(token.calls("C_DestroyObject") == 2U);
  BOOST_TEST(signer->list_keys()->empty());
}

BOOST_AUTO_TEST_CASE(a_generated_key_that_cannot_prove_itself_is_destroyed) {
  const FakeToken token;
  const auto signer = open_ok(token.config());
  token.script("flip C_Sign *\n");
  BOOST_TEST((refusal_of(signer->generate_key(KeyType::rsa_2048, "ca")).code == Code::hsm_unavailable));
  BOOST_TEST(token.calls("C_DestroyObject") == 2U);
  BOOST_TEST(signer->list_keys()->empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hubseal::hsm
