/// A key over which the token fails as a whole rests, and takes it from nobody else (hsm/held_out.h).
#include "tests/unit/hsm/one_is_missing.h"

namespace hubseal::hsm {
namespace {

constexpr const char* kFirstSignatureFails = "fail C_Sign 1 0x6\n";  // CKR_FUNCTION_FAILED
constexpr const char* kLostThenFirstSignatureFails = "dead 0x32\nfail C_Sign 1 0x6\n";
constexpr const char* kLostOverIt = "the token was lost when it was to prove itself";

BOOST_AUTO_TEST_SUITE(held_out_keys)

BOOST_FIXTURE_TEST_CASE(a_key_over_whose_proof_the_token_is_lost_rests_longer_each_time_and_others_go_on,
                        OneIsMissing) {
  lose(1);
  unsigned generation = 2;
  const auto is_refused_in = [&](unsigned wanted) {
    const Error refused = refusal_of(sign_with_missing());
    BOOST_TEST((refused.code == Code::hsm_unavailable));
    BOOST_TEST(contains(refused.message, kLostOverIt), refused.message);
    BOOST_TEST(signs(*open.signer, present));
    BOOST_TEST(open.signer->status().generation == wanted);
  };
  now += milliseconds(100);
  open.token.script(kFirstSignatureFails);
  is_refused_in(++generation);
  for (const int rest : {100, 200, 400, 800, 1600, 3200, 6400, 12800}) BOOST_TEST_CONTEXT(rest << " ms") {
      now += milliseconds(rest - 1);
      is_refused_in(generation);
      open.token.script(kFirstSignatureFails);
      now += milliseconds(5001);  // a look has a pause as well
      is_refused_in(++generation);
    }
  open.token.script("");
  now += std::chrono::minutes(10);
  BOOST_TEST(signs(*open.signer, missing));
  BOOST_TEST(open.signer->list_keys()->size() == 2U);
  BOOST_TEST(open.signer->status().generation == generation);
}

BOOST_FIXTURE_TEST_CASE(a_key_over_whose_proof_the_token_is_lost_does_not_keep_it_from_being_opened, OneIsMissing) {
  open.token.script(kLostThenFirstSignatureFails);
  BOOST_TEST(!signs(*open.signer, present));  // an attempt for nothing: one of the two was to prove itself first
  now += milliseconds(100);
  if (!signs(*open.signer, present)) std::swap(present, missing);
  BOOST_TEST(signs(*open.signer, present));
  BOOST_TEST(open.signer->status().ready);
  BOOST_TEST(contains(refusal_of(open.signer->find_key(missing.id)).message, kLostOverIt));
  now += milliseconds(100);
  BOOST_TEST(signs(*open.signer, missing));
  BOOST_TEST(open.signer->status().generation == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_token_that_is_lost_over_every_key_in_use_is_not_open_and_back_when_one_signs, OneIsMissing) {
  open.token.script("dead 0x32\nfail C_Sign * 0x6\n");
  for (int attempt = 0; attempt < 8; ++attempt) {
    BOOST_TEST(!signs(*open.signer, present));
    BOOST_TEST(!open.signer->status().ready);
    now += milliseconds(5000);
  }
  open.token.script("");
  BOOST_TEST(open.signer->list_keys().has_value());
  BOOST_TEST(open.signer->status().ready);
  now += milliseconds(5000);
  for (const KeyInfo& key : {present, missing}) BOOST_TEST(signs(*open.signer, key));
}

BOOST_FIXTURE_TEST_CASE(a_token_that_has_but_the_key_over_whose_proof_it_was_lost_is_opened_all_the_same,
                        OneIsMissing) {
  somebody_else_destroys_it();
  open.token.script(kLostThenFirstSignatureFails);
  for (int attempt = 0; attempt < 2; ++attempt) {  // lost over the one, then shows neither
    BOOST_TEST(!signs(*open.signer, present));
    BOOST_TEST(!open.signer->status().ready);
    now += milliseconds(5000);
  }
  BOOST_TEST(signs(*open.signer, present));
  BOOST_TEST(open.signer->status().ready);
}

BOOST_FIXTURE_TEST_CASE(a_key_rests_for_what_the_device_said_of_it_and_not_because_the_token_went, OneIsMissing) {
  for (const char* gone : {"0x32", "0xb3"})
    BOOST_TEST_CONTEXT(gone) {  // CKR_DEVICE_REMOVED, CKR_SESSION_HANDLE_INVALID
      open.reopen();
      open.token.script(fmt::format("fail C_Sign 1 {}\n", gone));
      BOOST_TEST(open.signer->prove_key(missing.id).has_value());
    }
}

BOOST_FIXTURE_TEST_CASE(a_key_that_the_device_fails_over_when_it_is_to_be_destroyed_rests_and_others_go_on,
                        OneIsMissing) {
  const auto destroy = [&] { return open.signer->destroy_key(missing.id, "other", {}); };
  open.token.script("fail C_Sign 1 0x30\n");  // CKR_DEVICE_ERROR
  const auto is_refused_in = [&](unsigned generation) {
    const Error refused = refusal_of(destroy());
    BOOST_TEST((refused.code == Code::hsm_unavailable));
    BOOST_TEST(contains(refused.message, "rests: the token was lost"), refused.message);
    BOOST_TEST(signs(*open.signer, present));
    BOOST_TEST(open.signer->status().generation == generation);
  };
  is_refused_in(2);
  for (int tick = 0; tick < 5; ++tick) is_refused_in(2);
  now += milliseconds(100);
  BOOST_TEST(destroy().has_value());
  BOOST_TEST(open.signer->list_keys()->size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_key_over_whose_proof_the_token_is_lost_at_a_start_leaves_the_others_to_be_proven,
                        OneIsMissing) {
  open.reopen();
  open.token.script(kFirstSignatureFails);
  BOOST_TEST(contains(refusal_of(open.signer->prove_key(missing.id)).message, kLostOverIt));
  BOOST_TEST(open.signer->prove_key(present.id).has_value());
  now += milliseconds(100);
  BOOST_TEST(open.signer->prove_key(missing.id).has_value());
  BOOST_TEST(open.signer->status().generation == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_key_that_rests_is_not_brought_back_by_who_looks_for_it, OneIsMissing) {
  lose(1);
  now += milliseconds(100);
  open.token.script(kFirstSignatureFails);
  BOOST_TEST(!sign_with_missing());
  BOOST_TEST(signs(*open.signer, present));
  BOOST_TEST(contains(refusal_of(open.signer->look_for(missing.id)).message, kLostOverIt));
  BOOST_TEST(contains(refusal_of(sign_with_missing()).message, kLostOverIt));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hubseal::hsm
