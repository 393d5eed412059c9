#include "hsm/destruction.h"

#include <algorithm>

#include "tests/support/fake_token.h"
#include "tests/support/must.h"
#include "tests/unit/hsm/raw_token.h"
#include "tests/unit/hsm/signer_checks.h"

namespace hubseal::hsm {
namespace {

using test::FakeToken;
using test::must;
using test::TestToken;

/// Labels of the token's objects of this kind. No Signer may be open.
std::vector<std::string> labels(const TestToken& token, CK_OBJECT_CLASS kind) {
  RawToken raw(token);
  CK_ATTRIBUTE wanted[] = {attribute(CKA_CLASS, kind)};
  std::vector<std::string> found;
  for (const CK_OBJECT_HANDLE object : must(find_objects(raw.session(), wanted)))
    found.emplace_back(as_text(must(read_attribute(raw.session(), object, CKA_LABEL)).value_or(Bytes())));
  std::sort(found.begin(), found.end());
  return found;
}
std::vector<std::string> private_keys(const TestToken& token) { return labels(token, CKO_PRIVATE_KEY); }
std::vector<std::string> public_keys(const TestToken& token) { return labels(token, CKO_PUBLIC_KEY); }

Result<> destroy(const TestToken& token, const KeyId& id, std::string_view label) {
  return open_ok(token.config())->destroy_key(id, label);
}

KeyId id_of(RawToken& raw, const KeyPair& pair) {
  return must(read_key(raw.session(), pair.private_key, pair.public_key)).id;
}

using Labels = std::vector<std::string>;

BOOST_AUTO_TEST_SUITE(destruction_of_a_key)

BOOST_AUTO_TEST_CASE(another_programs_key_under_the_same_cka_id_survives_and_ours_is_gone) {
  // In which order the token shows the two is luck.
  for (int i = 0; i < 8; ++i) {
    const TestToken token;
    KeyId id;
    {
      RawToken raw(token);
      id = id_of(raw, raw.generate_ec({}, "hub-jws"));
      raw.destroy(raw.generate_ec({}, "other-program").public_key);
    }
    const auto done = destroy(token, id, "hub-jws");
    BOOST_REQUIRE_MESSAGE(done, done.error().message);
    BOOST_TEST(private_keys(token) == Labels{"other-program"});
    BOOST_TEST(public_keys(token).empty());
    BOOST_TEST((refusal_of(destroy(token, id, "hub-jws")).code == Code::not_found));
    BOOST_TEST(private_keys(token) == Labels{"other-program"});
  }
}

BOOST_AUTO_TEST_CASE(with_two_key_pairs_under_one_cka_id_the_one_that_is_meant_goes) {
  const TestToken token;
  KeyId id;
  {
    RawToken raw(token);
    id = id_of(raw, raw.generate_ec({}, "hub-jws"));
    raw.generate_ec({}, "other-program");
  }
  must(destroy(token, id, "hub-jws"));
  BOOST_TEST(private_keys(token) == Labels{"other-program"});
  BOOST_TEST(public_keys(token).size() == 1U);
}

BOOST_AUTO_TEST_CASE(every_copy_of_a_key_goes_whatever_its_label) {
  const TestToken token;
  KeyId id;
  {
    RawToken raw(token);
    const KeyPair pair = raw.generate_ec({}, "hub-ca");
    id = id_of(raw, pair);
    raw.copy(pair.private_key, {attribute(CKA_LABEL, as_bytes("the other"))});
    raw.copy(pair.private_key, {attribute(CKA_LABEL, as_bytes(""))});
  }
  BOOST_TEST(private_keys(token).size() == 3U);
  must(destroy(token, id, "hub-ca"));
  BOOST_TEST(private_keys(token).empty());
  BOOST_TEST(public_keys(token).empty());
}

BOOST_AUTO_TEST_CASE(another_key_with_the_same_label_is_left_alone) {
  const TestToken token;
  KeyId id;
  {
    RawToken raw(token);
    id = id_of(raw, raw.generate_ec({}, "same", 1));
    raw.generate_ec({}, "same", 2);
  }
  must(destroy(token, id, "same"));
  BOOST_TEST(private_keys(token) == Labels{"same"});
  BOOST_TEST((open_ok(token.config())->list_keys()->front().id != id));
}

BOOST_AUTO_TEST_CASE(a_private_key_whose_public_half_is_gone_does_not_count_as_destroyed) {
  const TestToken token;
  KeyId id;
  {
    RawToken raw(token);
    const KeyPair pair = raw.generate_ec({}, "hub-jws");
    id = id_of(raw, pair);
    raw.destroy(pair.public_key);
  }
  const Error refused = refusal_of(destroy(token, id, "hub-jws"));
  BOOST_TEST((refused.code == Code::hsm_unavailable));
  BOOST_TEST(contains(refused.message, "\"hub-jws\" (CKA_ID 2a): its public half is not in the token"),
             refused.message);
  BOOST_TEST(private_keys(token) == Labels{"hub-jws"});
  // Under another label it is somebody else's business.
  BOOST_TEST((refusal_of(destroy(token, id, "hub-ca")).code == Code::not_found));
}

BOOST_AUTO_TEST_CASE(a_key_whose_public_half_goes_while_we_run_is_destroyed) {
  const TestToken token;
  const auto signer = open_ok(token.config());
  const KeyInfo key = generate_ok(*signer, KeyType::ec_p256, "hub-jws");
  const auto removed =
      test::run_command({"pkcs11-tool", "--module", token.module(), "--token-label", token.label(), "--login", "--pin",
                         token.pin(), "--delete-object", "--type", "pubkey", "--label", "hub-jws"});
  BOOST_REQUIRE_EQUAL(removed.exit_code, 0);
  const auto done = signer->destroy_key(key.id, "hub-jws");
  BOOST_REQUIRE_MESSAGE(done, done.error().message);
  BOOST_TEST((refusal_of(signer->destroy_key(key.id, "hub-jws")).code == Code::not_found));
}

BOOST_AUTO_TEST_CASE(a_key_that_may_not_sign_is_refused_and_the_message_says_what_to_do) {
  const TestToken token;
  KeyId id;
  {
    RawToken raw(token);
    id = id_of(raw, raw.generate_ec({attribute(CKA_SIGN, kFalse)}, "hub-jws"));
  }
  const Error refused = refusal_of(destroy(token, id, "hub-jws"));
  BOOST_TEST((refused.code == Code::hsm_unavailable));
  BOOST_TEST(contains(refused.message, "CKA_SIGN is false"), refused.message);
  BOOST_TEST(contains(refused.message, "pkcs11-tool"), refused.message);
  BOOST_TEST(private_keys(token) == Labels{"hub-jws"});
}

BOOST_AUTO_TEST_CASE(a_copy_that_cannot_prove_itself_is_named_when_the_others_are_gone) {
  const TestToken token;
  KeyId id;
  {
    RawToken raw(token);
    id = id_of(raw, raw.generate_ec({}, "hub-jws", 1));
    raw.destroy(raw.generate_ec({attribute(CKA_SIGN, kFalse)}, "hub-jws", 2).public_key);
  }
  BOOST_TEST(contains(refusal_of(destroy(token, id, "hub-jws")).message, "(CKA_ID 02)"));
  BOOST_TEST(private_keys(token) == Labels{"hub-jws"});
  BOOST_TEST(public_keys(token).size() == 1U);  // with which what is left may yet prove itself
}

BOOST_AUTO_TEST_CASE(a_token_that_signs_badly_destroys_nothing_and_the_key_does_not_count_as_gone) {
  const FakeToken token;
  const auto signer = open_ok(token.config());
  const KeyInfo key = generate_ok(*signer, KeyType::ec_p256, "hub-jws");
  token.script("flip C_Sign *\n");
  BOOST_TEST((refusal_of(signer->destroy_key(key.id, key.label)).code == Code::hsm_unavailable));
  BOOST_TEST(token.calls("C_DestroyObject") == 0U);
  token.script("");
  BOOST_TEST(signs(*signer, key));
  must(signer->destroy_key(key.id, key.label));
}

BOOST_AUTO_TEST_CASE(it_is_asked_before_anything_goes_and_nothing_goes_where_that_is_refused) {
  const FakeToken token;
  const auto signer = open_ok(token.config());
  const KeyInfo key = generate_ok(*signer, KeyType::ec_p256, "hub-jws");
  const auto refuse = [] { return fail(Code::storage_unavailable, "not written"); };
  BOOST_TEST((refusal_of(signer->destroy_key(key.id, key.label, refuse)).code == Code::storage_unavailable));
  BOOST_TEST(token.calls("C_DestroyObject") == 0U);
  BOOST_TEST(signs(*signer, key));
  must(signer->destroy_key(key.id, key.label, [&]() -> Result<> {
    BOOST_TEST(token.calls("C_DestroyObject") == 0U);
    return {};
  }));
  BOOST_TEST(token.calls("C_DestroyObject") == 2U);
  BOOST_TEST((refusal_of(signer->destroy_key(key.id, key.label, refuse)).code == Code::not_found));
}

BOOST_AUTO_TEST_CASE(a_public_half_without_its_private_key_stays_since_that_may_only_be_hidden) {
  const TestToken token;
  KeyId id;
  {
    RawToken raw(token);
    const KeyPair pair = raw.generate_ec({}, "hub-jws");
    id = id_of(raw, pair);
    raw.destroy(pair.private_key);
  }
  BOOST_TEST((refusal_of(destroy(token, id, "hub-jws")).code == Code::not_found));
  BOOST_TEST(public_keys(token).size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hubseal::hsm
