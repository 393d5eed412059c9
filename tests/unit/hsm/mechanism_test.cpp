#include "hsm/mechanism.h"

#include <boost/test/unit_test.hpp>

#include <set>

#include "hsm/return_code.h"
#include "hsm/verifier.h"

namespace hubseal::hsm {
namespace {

using enum SignatureAlgorithm;

BOOST_AUTO_TEST_SUITE(mechanisms)

BOOST_AUTO_TEST_CASE(hashing_here_comes_before_hashing_in_the_token) {
  const MechanismSet offered = {CKM_RSA_PKCS,        CKM_RSA_PKCS_PSS,        CKM_ECDSA,
                                CKM_SHA256_RSA_PKCS, CKM_SHA256_RSA_PKCS_PSS, CKM_ECDSA_SHA256};
  BOOST_TEST(choose_mechanism(rsa_pkcs1_sha256, offered)->type == CKM_RSA_PKCS);
  BOOST_TEST((choose_mechanism(rsa_pkcs1_sha256, offered)->input == SignInput::digest_info));
  BOOST_TEST(choose_mechanism(rsa_pss_sha256, offered)->type == CKM_RSA_PKCS_PSS);
  BOOST_TEST((choose_mechanism(rsa_pss_sha256, offered)->input == SignInput::digest));
  BOOST_TEST(choose_mechanism(ecdsa_sha256, offered)->type == CKM_ECDSA);
}

BOOST_AUTO_TEST_CASE(a_token_that_only_hashes_itself_gets_the_message_and_the_same_parameters) {
  const MechanismSet offered = {CKM_SHA384_RSA_PKCS, CKM_SHA384_RSA_PKCS_PSS, CKM_ECDSA_SHA384};
  for (const auto& [algorithm, type] :
       {std::pair(rsa_pkcs1_sha384, CKM_SHA384_RSA_PKCS), std::pair(rsa_pss_sha384, CKM_SHA384_RSA_PKCS_PSS),
        std::pair(ecdsa_sha384, CKM_ECDSA_SHA384)}) {
    const auto mechanism = choose_mechanism(algorithm, offered);
    BOOST_REQUIRE(mechanism);
    BOOST_TEST(mechanism->type == type);
    BOOST_TEST((mechanism->input == SignInput::message));
  }
  const auto pss = choose_mechanism(rsa_pss_sha384, offered)->pss;
  BOOST_REQUIRE(pss);
  BOOST_TEST(pss->hashAlg == CKM_SHA384);
  BOOST_TEST(pss->mgf == CKG_MGF1_SHA384);
  BOOST_TEST(pss->sLen == 48U);
}

BOOST_AUTO_TEST_CASE(what_the_token_does_not_offer_is_not_chosen) {
  for (const auto& mechanism : choose_mechanisms({CKM_SHA256_RSA_PKCS, CKM_ECDSA_SHA384}))
    if (mechanism) BOOST_TEST((mechanism->type == CKM_SHA256_RSA_PKCS || mechanism->type == CKM_ECDSA_SHA384));
  BOOST_TEST(!choose_mechanism(ecdsa_sha256, {CKM_ECDSA_SHA384}));
}

BOOST_AUTO_TEST_CASE(a_hash_is_what_openssl_says_it_is) {
  // printf abc | openssl dgst -sha256 | -sha384 | -sha512
  BOOST_TEST(to_hex(hash_message(ecdsa_sha256, as_bytes("abc"))->view()) ==
             "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  BOOST_TEST(to_hex(hash_message(rsa_pss_sha384, as_bytes("abc"))->view()) ==
             "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
  BOOST_TEST(to_hex(hash_message(rsa_pkcs1_sha512, as_bytes("abc"))->view()) ==
             "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
             "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

BOOST_AUTO_TEST_CASE(a_code_that_nobody_knows_counts_as_a_failed_device) {
  BOOST_TEST((explain(CKR_VENDOR_DEFINED | 7).cause == Cause::device));
  BOOST_TEST((explain(0x7777).cause == Cause::device));
  BOOST_TEST(to_error(0x7777, "C_Sign").message ==
             "C_Sign: the token gave a code that PKCS#11 does not define (unknown CKR, 0x7777)");
}

BOOST_AUTO_TEST_CASE(a_refused_pin_is_never_taken_for_something_that_passes) {
  for (const CK_RV code : {CKR_PIN_INCORRECT, CKR_PIN_INVALID, CKR_PIN_LEN_RANGE, CKR_PIN_EXPIRED, CKR_PIN_LOCKED,
                           CKR_USER_PIN_NOT_INITIALIZED})
    BOOST_TEST((explain(code).cause == Cause::pin), explain(code).name);
}

BOOST_AUTO_TEST_CASE(only_these_answers_to_a_login_leave_the_pin_untested) {
  const std::set<CK_RV> untested = {CKR_SESSION_COUNT,
                                    CKR_DEVICE_MEMORY,
                                    CKR_OPERATION_ACTIVE,
                                    CKR_SESSION_CLOSED,
                                    CKR_SESSION_HANDLE_INVALID,
                                    CKR_CRYPTOKI_NOT_INITIALIZED,
                                    CKR_DEVICE_REMOVED,
                                    CKR_TOKEN_NOT_PRESENT,
                                    CKR_TOKEN_NOT_RECOGNIZED,
                                    CKR_SLOT_ID_INVALID,
                                    CKR_HOST_MEMORY};
  for (CK_RV code = 0; code < 0x400; ++code)
    BOOST_TEST(explain(code).pin_untested == untested.contains(code), to_error(code, "C_Login").message);
  BOOST_TEST(!explain(CKR_VENDOR_DEFINED | 7).pin_untested);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hubseal::hsm
