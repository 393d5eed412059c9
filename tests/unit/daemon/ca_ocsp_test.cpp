#include "daemon/ca/ocsp.h"

#include <openssl/ocsp.h>

#include <functional>

#include <boost/test/unit_test.hpp>

#include "daemon/ca/prepare_own.h"
#include "tests/support/ca_fixture.h"
#include "tests/support/must.h"
#include "tests/support/software_signer.h"

using namespace hubseal;
using test::must;

namespace {

struct Fixture {
  PkeyPtr key = test::make_key(KeyType::ec_p256);
  test::TestCa ca{KeyType::ec_p256};
  x509::Certificate responder = must(ca.finish(must(ca::prepare_responder(
      *ca.issuer, {test::profile("ocsp-responder"), must(spki_of(key.get())), must(ca::new_serial()), test::kNow}))));
  std::vector<ca::OcspAnswer> answers = {{.id = id_of_one(), .known = true}};
  Bytes nonce = {1, 2, 3};
  TimePoint at = test::kNow, until = test::kNow + std::chrono::minutes(5);

  Bytes id_of_one() const {
    X509* const issuer = ca.issuer->certificate().openssl();
    const std::unique_ptr<ASN1_INTEGER, Deleter<ASN1_INTEGER_free>> one(ASN1_INTEGER_new());
    ASN1_INTEGER_set(one.get(), 1);
    const std::unique_ptr<OCSP_CERTID, Deleter<OCSP_CERTID_free>> id(
        OCSP_cert_id_new(EVP_sha1(), X509_get_subject_name(issuer), X509_get0_pubkey_bitstr(issuer), one.get()));
    Bytes der(static_cast<std::size_t>(i2d_OCSP_CERTID(id.get(), nullptr)));
    unsigned char* next = der.data();
    i2d_OCSP_CERTID(id.get(), &next);
    return der;
  }
  ca::OcspDraft draft() { return {responder, *ca.issuer, SignatureAlgorithm::ecdsa_sha256, at, until, answers, nonce}; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(ca_ocsp)

BOOST_AUTO_TEST_CASE(RFC_6960_a_response_that_does_not_say_what_was_meant_is_not_released) {
  const std::pair<const char*, std::function<void(Fixture&)>> mistakes[] = {
      {"nonce",
       [](Fixture& f) {
         f.nonce = {1, 2, 4};
       }},
      {"nonce", [](Fixture& f) { f.nonce.clear(); }},
      {"dates", [](Fixture& f) { f.at -= std::chrono::seconds(1); }},
      {"dates", [](Fixture& f) { f.until += std::chrono::seconds(1); }},
      {"status", [](Fixture& f) { f.answers[0].known = false; }},
  };
  for (const auto& [word, mistake] : mistakes) {
    Fixture fixture;
    const Bytes tbs = must(ca::build_ocsp_tbs(fixture.draft()));
    mistake(fixture);
    const auto refused =
        ca::close_ocsp(fixture.draft(), tbs, test::sign_with(fixture.key.get(), SignatureAlgorithm::ecdsa_sha256, tbs));
    BOOST_REQUIRE(!refused);
    BOOST_TEST((refused.error().code == Code::internal));
    BOOST_TEST(refused.error().message.find(word) != std::string::npos, refused.error().message);
  }
}

BOOST_AUTO_TEST_CASE(RFC_6960_no_response_is_good_for_longer_than_who_signed_it) {
  Fixture fixture;
  fixture.until = fixture.responder.not_after() + std::chrono::seconds(1);
  const Bytes tbs = must(ca::build_ocsp_tbs(fixture.draft()));
  BOOST_TEST(
      !ca::close_ocsp(fixture.draft(), tbs, test::sign_with(fixture.key.get(), SignatureAlgorithm::ecdsa_sha256, tbs)));
}

BOOST_AUTO_TEST_SUITE_END()
