#include "hsm/token_signer.h"

#include <atomic>
#include <future>

#include <fmt/format.h>

#include "hsm/verifier.h"
#include "tests/support/fake_token.h"
#include "tests/support/must.h"
#include "tests/support/test_token.h"
#include "tests/support/until.h"
#include "tests/unit/hsm/raw_token.h"
#include "tests/unit/hsm/signer_checks.h"

namespace hubseal::hsm {
namespace {

using test::FakeToken;
using test::TestToken;

std::vector<SignatureAlgorithm> algorithms_for(KeyType type) {
  std::vector<SignatureAlgorithm> all;
  for (int i = 0; i <= static_cast<int>(SignatureAlgorithm::ecdsa_sha512); ++i)
    if (fits(static_cast<SignatureAlgorithm>(i), type)) all.push_back(static_cast<SignatureAlgorithm>(i));
  return all;
}

BOOST_AUTO_TEST_SUITE(token_signer)

BOOST_AUTO_TEST_CASE(every_kind_of_key_makes_every_signature_that_fits_it_and_openssl_agrees) {
  const TestToken token;
  const auto signer = open_ok(token.config());
  for (const auto& [name, type] : kKeyTypes) {
    const KeyInfo key = generate_ok(*signer, type, name);
    BOOST_TEST((key.grade == Grade::generated));
    BOOST_TEST((key.state == KeyState::active));
    BOOST_TEST((key.type == type));
    for (const SignatureAlgorithm algorithm : algorithms_for(type)) {
      const auto signature = signer->sign(key.id, algorithm, as_bytes("a message"));
      BOOST_REQUIRE_MESSAGE(signature, name << " " << to_string(algorithm) << ": " << signature.error().message);
      BOOST_TEST(openssl_verifies(key, algorithm, "a message", *signature), name << " " << to_string(algorithm));
      BOOST_TEST(!openssl_verifies(key, algorithm, "another message", *signature));
    }
  }
  BOOST_TEST(signer->list_keys()->size() == kKeyTypes.size());
}

BOOST_AUTO_TEST_CASE(a_token_that_only_signs_whole_messages_gives_the_same_signatures) {
  const FakeToken token;
  token.script("hide 0x1\nhide 0xd\n");  // CKM_RSA_PKCS, CKM_RSA_PKCS_PSS
  const auto signer = open_ok(token.config());
  const KeyInfo key = generate_ok(*signer, KeyType::rsa_2048, "jws");
  for (const SignatureAlgorithm algorithm : algorithms_for(key.type)) {
    const auto signature = signer->sign(key.id, algorithm, as_bytes("a message"));
    BOOST_REQUIRE_MESSAGE(signature, signature.error().message);
    BOOST_TEST(openssl_verifies(key, algorithm, "a message", *signature), to_string(algorithm));
  }
}

BOOST_AUTO_TEST_CASE(an_algorithm_that_the_token_lacks_is_a_bad_request_and_the_token_stays_open) {
  const FakeToken token;
  token.script("hide 0xd\nhide 0x43\n");
  const auto signer = open_ok(token.config());
  const KeyInfo key = generate_ok(*signer, KeyType::rsa_2048, "jws");
  const auto refused = signer->sign(key.id, SignatureAlgorithm::rsa_pss_sha256, as_bytes("x"));
  BOOST_TEST((refusal_of(refused).code == Code::bad_request));
  BOOST_TEST(signs(*signer, key));
  BOOST_TEST(signer->status().generation == 1U);
}

BOOST_AUTO_TEST_CASE(a_digest_is_signed_as_the_message_is_that_it_is_of) {
  const TestToken token;
  const auto signer = open_ok(token.config());
  for (const KeyType type : {KeyType::rsa_2048, KeyType::ec_p256, KeyType::ec_p384}) {
    const KeyInfo key = generate_ok(*signer, type, to_string(type));
    for (const SignatureAlgorithm algorithm : algorithms_for(type)) {
      const Digest digest = test::must(hash_message(algorithm, as_bytes("a message")));
      const auto signature = signer->sign_digest(key.id, algorithm, digest.view());
      BOOST_REQUIRE_MESSAGE(signature, to_string(algorithm) << ": " << signature.error().message);
      BOOST_TEST(openssl_verifies(key, algorithm, "a message", *signature), to_string(algorithm));
      for (const ByteView other : {digest.view().first(digest.size - 1), digest.view().first(20), ByteView()})
        BOOST_TEST((refusal_of(signer->sign_digest(key.id, algorithm, other)).code == Code::bad_request));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_digest_that_no_message_has_is_signed_or_refused_and_costs_nobody_the_key) {
  const TestToken token;
  const auto signer = open_ok(token.config());
  for (const KeyType type : {KeyType::rsa_2048, KeyType::ec_p256, KeyType::ec_p384}) {
    const KeyInfo key = generate_ok(*signer, type, to_string(type));
    for (const SignatureAlgorithm algorithm : algorithms_for(type))
      for (const std::uint8_t byte : {std::uint8_t{0x00}, std::uint8_t{0xff}}) {
        const Bytes digest(static_cast<std::size_t>(EVP_MD_get_size(hash_of(algorithm))), byte);
        const auto signature = signer->sign_digest(key.id, algorithm, digest);
        BOOST_TEST((signature || refusal_of(signature).code != Code::internal));
        BOOST_TEST(signs(*signer, key));
      }
  }
}

BOOST_AUTO_TEST_CASE(a_token_that_only_signs_whole_messages_signs_no_digest) {
  const FakeToken token;
  token.script("hide 0x1\n");  // CKM_RSA_PKCS
  const auto signer = open_ok(token.config());
  const KeyInfo key = generate_ok(*signer, KeyType::rsa_2048, "tls");
  const auto refused = signer->sign_digest(key.id, SignatureAlgorithm::rsa_pkcs1_sha256, sha256(as_bytes("x")));
  BOOST_TEST((refusal_of(refused).code == Code::bad_request));
  BOOST_TEST(signs(*signer, key));
}

BOOST_AUTO_TEST_CASE(an_algorithm_of_another_kind_of_key_is_a_bad_request) {
  const TestToken token;
  const auto signer = open_ok(token.config());
  const KeyInfo key = generate_ok(*signer, KeyType::ec_p256, "jws");
  const auto refused = signer->sign(key.id, SignatureAlgorithm::rsa_pkcs1_sha256, as_bytes("x"));
  BOOST_TEST((refusal_of(refused).code == Code::bad_request));
}

BOOST_AUTO_TEST_CASE(a_key_that_is_not_in_the_token_is_unavailable) {
  const TestToken token;
  const auto signer = open_ok(token.config());
  const KeyId unknown{};
  BOOST_TEST((refusal_of(signer->find_key(unknown)).code == Code::hsm_unavailable));
  BOOST_TEST((refusal_of(signer->prove_key(unknown)).code == Code::hsm_unavailable));
  const auto refused = signer->sign(unknown, SignatureAlgorithm::ecdsa_sha256, as_bytes("x"));
  BOOST_TEST((refusal_of(refused).code == Code::hsm_unavailable));
}

BOOST_AUTO_TEST_CASE(a_destroyed_key_is_gone_from_token_and_sessions_and_its_label_is_free) {
  const FakeToken token;
  auto config = token.config();
  config.session_copies = true;
  const auto signer = open_ok(config);
  const KeyInfo kept = generate_ok(*signer, KeyType::ec_p256, "kept");
  const KeyInfo key = generate_ok(*signer, KeyType::rsa_2048, "old");
  BOOST_REQUIRE(signs(*signer, key));
  BOOST_REQUIRE(signs(*signer, kept));
  const auto closed = token.calls("C_CloseSession");
  test::must(signer->destroy_key(key.id, key.label));
  BOOST_TEST(token.calls("C_DestroyObject") == 2U);
  BOOST_TEST(token.calls("C_CloseSession") > closed);  // and with the sessions their copies of the key
  BOOST_TEST(signer->list_keys()->size() == 1U);
  BOOST_TEST((refusal_of(signer->destroy_key(key.id, key.label)).code == Code::not_found));
  BOOST_TEST(signs(*signer, kept));
  generate_ok(*signer, KeyType::ec_p256, "old");
  token.script("dead 0x30\n");
  BOOST_TEST(signs(*signer, kept));  // by the next generation, which does not look for what was destroyed
  BOOST_TEST(signer->status().generation == 2U);
  BOOST_TEST(signer->list_keys()->size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_key_that_the_token_does_not_destroy_goes_on_signing) {
  const FakeToken token;
  const auto signer = open_ok(token.config());
  const KeyInfo key = generate_ok(*signer, KeyType::ec_p256, "stays");
  token.script("fail C_DestroyObject * 0x1b\n");  // CKR_ACTION_PROHIBITED
  BOOST_TEST(!signer->destroy_key(key.id, key.label).has_value());
  token.script("");
  BOOST_TEST(signs(*signer, key));
}

BOOST_AUTO_TEST_CASE(data_under_a_label_is_kept_by_the_token_and_replaced_as_a_whole) {
  const TestToken token;
  const auto values = [&](Signer& signer, std::string_view label) {
    std::vector<std::string> texts;
    for (const Bytes& value : test::must(signer.read_data(label))) texts.emplace_back(as_text(value));
    return texts;
  };
  {
    const auto signer = open_ok(token.config());
    BOOST_TEST(values(*signer, "counter").empty());
    test::must(signer->write_data("counter", as_bytes("1")));
    test::must(signer->write_data("other", as_bytes("x")));
    test::must(signer->write_data("counter", as_bytes("2")));
  }
  const auto signer = open_ok(token.config());
  BOOST_TEST(values(*signer, "counter") == std::vector<std::string>{"2"});
  BOOST_TEST(values(*signer, "other") == std::vector<std::string>{"x"});
}

BOOST_AUTO_TEST_CASE(a_write_of_data_that_was_cut_short_leaves_the_new_value_beside_the_old_one) {
  const FakeToken token;
  const auto signer = open_ok(token.config());
  test::must(signer->write_data("counter", as_bytes("1")));
  token.script("fail C_DestroyObject * 0x1b\n");
  BOOST_TEST(!signer->write_data("counter", as_bytes("2")).has_value());
  BOOST_TEST(test::must(signer->read_data("counter")).size() == 2U);
  token.script("fail C_CreateObject * 0x1b\n");
  BOOST_TEST(!signer->write_data("counter", as_bytes("3")).has_value());
  token.script("");
  test::must(signer->write_data("counter", as_bytes("4")));
  BOOST_TEST(test::must(signer->read_data("counter")).size() == 1U);
}

BOOST_AUTO_TEST_CASE(keys_are_found_again_by_the_next_process) {
  const TestToken token;
  const KeyInfo made = generate_ok(*open_ok(token.config()), KeyType::rsa_2048, "hub-ca");
  const auto signer = open_ok(token.config());
  const auto found = signer->find_key(made.id);
  BOOST_REQUIRE(found);
  BOOST_TEST(found->label == "hub-ca");
  BOOST_TEST((found->spki == made.spki));
  BOOST_TEST((found->grade == Grade::generated));
  BOOST_TEST(signer->prove_key(made.id).has_value());
}

BOOST_AUTO_TEST_CASE(a_label_that_is_taken_is_a_conflict_and_makes_no_key) {
  const TestToken token;
  const auto signer = open_ok(token.config());
  generate_ok(*signer, KeyType::ec_p256, "hub-jws");
  BOOST_TEST((refusal_of(signer->generate_key(KeyType::ec_p384, "hub-jws")).code == Code::conflict));
  BOOST_TEST(signer->list_keys()->size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_label_that_only_a_public_or_a_secret_key_has_is_taken_too) {
  const TestToken token;
  {
    RawToken raw(token);
    const KeyPair pair = raw.generate_ec({}, "private");
    raw.copy(pair.public_key, {attribute(CKA_LABEL, as_bytes("public"))});
    const CK_OBJECT_CLASS kind = CKO_SECRET_KEY;
    const CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    raw.create({attribute(CKA_CLASS, kind), attribute(CKA_KEY_TYPE, type), attribute(CKA_TOKEN, kTrue),
                attribute(CKA_LABEL, as_bytes("secret")), attribute(CKA_VALUE, as_bytes("0123456789abcdef"))});
  }
  const auto signer = open_ok(token.config());
  for (const char* label : {"private", "public", "secret"})
    BOOST_TEST((refusal_of(signer->generate_key(KeyType::ec_p256, label)).code == Code::conflict), label);
  BOOST_TEST(signer->list_keys()->size() == 1U);
}

BOOST_AUTO_TEST_CASE(of_two_who_make_a_key_of_one_label_at_the_same_time_one_is_refused) {
  const FakeToken token;
  const auto signer = open_ok(token.config());
  token.script("hold C_GenerateKeyPair 1\n");
  auto first = std::async(std::launch::async, [&] { return signer->generate_key(KeyType::ec_p256, "hub-jws"); });
  BOOST_REQUIRE(test::until([&] { return token.calls("C_GenerateKeyPair") != 0; }));
  const auto second = signer->generate_key(KeyType::ec_p256, "hub-jws");
  token.script("");
  BOOST_TEST(first.get().has_value());
  BOOST_TEST((refusal_of(second).code == Code::conflict));
  BOOST_TEST(signer->list_keys()->size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_label_that_is_empty_or_too_long_is_a_bad_request) {
  const TestToken token;
  const auto signer = open_ok(token.config());
  BOOST_TEST((refusal_of(signer->generate_key(KeyType::ec_p256, "")).code == Code::bad_request));
  BOOST_TEST((refusal_of(signer->generate_key(KeyType::ec_p256, std::string(256, 'x'))).code == Code::bad_request));
}

BOOST_AUTO_TEST_CASE(pkcs11_tool_sees_a_key_that_can_only_sign_and_never_leaves) {
  const TestToken token;
  generate_ok(*open_ok(token.config()), KeyType::rsa_2048, "hub-ca");
  const auto listing = test::run_command({"pkcs11-tool", "--module", token.module(), "--token-label", token.label(),
                                          "--login", "--pin", token.pin(), "--list-objects"});
  BOOST_REQUIRE_EQUAL(listing.exit_code, 0);
  BOOST_TEST(contains(listing.output, "Access:     sensitive, always sensitive, never extractable, local"),
             listing.output);
  BOOST_TEST(contains(listing.output, "Usage:      sign\n"), listing.output);
  BOOST_TEST(contains(listing.output, "Usage:      verify\n"), listing.output);
}

BOOST_AUTO_TEST_CASE(eight_threads_share_two_sessions_and_every_signature_is_good) {
  for (const bool session_copies : {false, true}) {
    const TestToken token;
    TokenConfig config = token.config();
    config.sessions = 2;
    config.session_copies = session_copies;
    const auto signer = open_ok(config);
    const KeyInfo rsa = generate_ok(*signer, KeyType::rsa_2048, "rsa");
    const KeyInfo ec = generate_ok(*signer, KeyType::ec_p256, "ec");
    std::atomic<int> good{0};
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 8; ++thread)
      threads.emplace_back([&, thread] {
        for (int i = 0; i < 20; ++i) good += signs(*signer, i % 2 ? rsa : ec, fmt::format("{} {}", thread, i));
      });
    threads.clear();
    BOOST_TEST(good == 160);
    BOOST_TEST(signer->status().sessions == 2U);
    BOOST_TEST(signer->status().generation == 1U);
  }
}

BOOST_AUTO_TEST_CASE(a_token_that_makes_no_session_copies_signs_with_its_own_objects) {
  const FakeToken token;
  token.script("fail C_CopyObject * 0x54\n");
  TokenConfig config = token.config();
  config.sessions = 2;
  config.session_copies = true;
  const auto signer = open_ok(config);
  const KeyInfo key = generate_ok(*signer, KeyType::ec_p256, "jws");
  BOOST_TEST(signs(*signer, key));
  BOOST_TEST(signs(*signer, key));
  BOOST_TEST(token.calls("C_CopyObject") == 1U);
}

BOOST_AUTO_TEST_CASE(a_session_copy_that_may_do_more_than_sign_is_destroyed_and_not_used) {
  const FakeToken token;
  TokenConfig config = token.config();
  config.sessions = 1;
  config.session_copies = true;
  const KeyInfo key = generate_ok(*open_ok(config), KeyType::ec_p256, "jws");
  const auto signer = open_ok(config);
  const auto copied = token.calls("C_CopyObject");
  const auto destroyed = token.calls("C_DestroyObject");
  token.script("attribute 0x162 1\n");  // CKA_EXTRACTABLE, of the copy: the key itself has been read
  BOOST_TEST(signs(*signer, key));
  BOOST_TEST(signs(*signer, key));
  BOOST_TEST(token.calls("C_CopyObject") == copied + 1);
  BOOST_TEST(token.calls("C_DestroyObject") == destroyed + 1);
}

BOOST_AUTO_TEST_CASE(session_copies_do_not_show_as_keys_of_their_own) {
  const FakeToken token;
  TokenConfig config = token.config();
  config.session_copies = true;
  const auto signer = open_ok(config);
  const KeyInfo key = generate_ok(*signer, KeyType::ec_p256, "jws");
  BOOST_TEST(signs(*signer, key));
  BOOST_TEST(token.calls("C_CopyObject") >= 1U);
  BOOST_TEST((refusal_of(signer->generate_key(KeyType::ec_p256, "jws")).code == Code::conflict));
  BOOST_TEST(signer->list_keys()->size() == 1U);
  BOOST_TEST((signer->list_keys()->front().state == KeyState::active));
}

BOOST_AUTO_TEST_CASE(a_token_that_grants_one_session_less_than_wanted_is_used_with_what_it_grants) {
  const FakeToken token;
  token.script("fail C_OpenSession 4+ 0xb1\n");  // the anchor and two for signing
  TokenConfig config = token.config();
  config.sessions = 8;
  const auto signer = open_ok(config);
  BOOST_TEST(signer->status().sessions == 2U);
}

BOOST_AUTO_TEST_CASE(a_token_that_grants_no_session_for_signing_is_busy) {
  const FakeToken token;
  token.script("fail C_OpenSession 2+ 0xb1\n");
  const Error refused = refusal_of(open_token(token.config()));
  BOOST_TEST((refused.code == Code::hsm_busy));
  BOOST_TEST(contains(refused.message, "CKR_SESSION_COUNT"), refused.message);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hubseal::hsm
