/// A token may be back, or be there at a start, before its objects are: what is missing is looked for again, and served
/// once it is there.
#include "tests/unit/hsm/one_is_missing.h"

namespace hubseal::hsm {
namespace {

BOOST_AUTO_TEST_SUITE(missing_keys)

BOOST_AUTO_TEST_CASE(a_token_that_is_back_before_its_keys_is_opened_again_until_it_shows_them) {
  Open open(&no_pause);
  open.token.script("dead 0x32\nclaim C_FindObjects * 0\n");
  for (int i = 0; i < 2; ++i) {
    const Error refused = refusal_of(open.sign());
    BOOST_TEST((refused.code == Code::hsm_unavailable));
    BOOST_TEST(contains(refused.message, "the token hub shows none of the 1 keys that were in use"), refused.message);
  }
  BOOST_TEST(!open.signer->status().ready);
  BOOST_TEST(contains(open.signer->status().problem, "none of the 1 keys"));
  BOOST_TEST(!open.signer->generate_key(KeyType::ec_p256, "jws"));  // whose label that empty token does not have
  open.token.script("");
  BOOST_TEST(signs(*open.signer, open.key));
  BOOST_TEST(open.signer->status().ready);
}

BOOST_FIXTURE_TEST_CASE(one_key_that_is_missing_is_refused_and_looked_for_after_a_growing_pause, OneIsMissing) {
  lose(3);
  const auto initialized = open.token.calls("C_Initialize");
  const auto looks = [&] { return open.token.calls("C_FindObjectsInit") / 3; };
  const auto at_first = looks();
  const auto is_refused = [&] {
    const Error refused = refusal_of(sign_with_missing());
    BOOST_TEST((refused.code == Code::hsm_unavailable));
    BOOST_TEST(contains(refused.message, to_string(missing.id) + " is not in the token"), refused.message);
    for (const std::string& of_token : {std::string("hub"), open.signer->status().serial})
      BOOST_TEST(!contains(refused.message, of_token), refused.message);  // every peer that may ask is told so
    BOOST_TEST((refusal_of(open.signer->find_key(missing.id)).code == Code::hsm_unavailable));
  };
  unsigned number = 0;
  for (const int pause : {100, 200}) {
    now += milliseconds(pause - 1);
    is_refused();
    BOOST_TEST(looks() == at_first + number);
    now += milliseconds(1);
    is_refused();
    BOOST_TEST(looks() == at_first + ++number);
  }
  BOOST_TEST(signs(*open.signer, present));
  BOOST_TEST(open.signer->list_keys()->size() == 1U);

  now += milliseconds(400);
  const auto signatures = open.token.calls("C_Sign");
  BOOST_TEST(signs(*open.signer, missing));
  BOOST_TEST(open.token.calls("C_Sign") == signatures + 2);  // challenge, request
  BOOST_TEST(open.signer->list_keys()->size() == 2U);
  now += milliseconds(5000);
  BOOST_TEST(signs(*open.signer, missing));
  BOOST_TEST(looks() == at_first + 3);
  BOOST_TEST(open.token.calls("C_Initialize") == initialized);
}

/// What may be wrong with a key that comes back, and how the refusal says it.
const std::pair<const char*, const char*> kProblems[] = {
    {"flip C_Sign *\n", "a signature that does not verify"},
    {"attribute 0x162 1\n", "CKA_EXTRACTABLE is true"},
};

BOOST_AUTO_TEST_CASE(what_is_wrong_with_a_key_that_comes_back_is_forgiven_when_the_next_look_does_not_find_it) {
  for (const auto& [script, words] : kProblems) BOOST_TEST_CONTEXT(words) {
      OneIsMissing one;
      one.lose(1);
      one.now += milliseconds(100);
      one.open.token.script(script);
      const Error refused = refusal_of(one.sign_with_missing());
      BOOST_TEST((refused.code == Code::hsm_unavailable));
      BOOST_TEST(contains(refused.message, words), refused.message);
      one.open.token.script("");
      BOOST_TEST(contains(refusal_of(one.sign_with_missing()).message, words));  // nobody has looked again yet
      BOOST_TEST(one.open.signer->list_keys()->size() == 1U);
      one.now += milliseconds(200);
      BOOST_TEST(signs(*one.open.signer, one.missing));
      BOOST_TEST(one.open.signer->status().generation == 2U);
    }
}

BOOST_AUTO_TEST_CASE(a_key_with_which_two_looks_find_the_same_wrong_is_quarantined_for_good) {
  for (const auto& [script, words] : kProblems) BOOST_TEST_CONTEXT(words) {
      OneIsMissing one;
      one.lose(1);
      one.open.token.script(script);
      for (const int pause : {100, 200}) {
        one.now += milliseconds(pause);
        BOOST_TEST(!one.sign_with_missing());
      }
      one.open.token.script("");
      BOOST_TEST(contains(one.open.signer->find_key(one.missing.id)->problem, words));
      one.now += milliseconds(5000);
      BOOST_TEST(contains(refusal_of(one.sign_with_missing()).message, "quarantined"));
      BOOST_TEST(signs(*one.open.signer, one.present));
    }
}

BOOST_FIXTURE_TEST_CASE(two_looks_that_find_different_things_wrong_quarantine_nothing, OneIsMissing) {
  lose(1);
  for (int look = 0; look < 4; ++look) {
    now += milliseconds(5000);
    open.token.script(kProblems[look % 2].first);
    BOOST_TEST(!sign_with_missing());
  }
  now += milliseconds(5000);
  open.token.script("");
  BOOST_TEST(signs(*open.signer, missing));
}

BOOST_FIXTURE_TEST_CASE(a_token_that_is_lost_while_a_key_is_looked_for_is_opened_anew, OneIsMissing) {
  lose(1);
  now += milliseconds(100);
  open.token.script("dead 0x30\n");
  BOOST_TEST(signs(*open.signer, missing));
  BOOST_TEST(open.signer->status().generation == 3U);
}

BOOST_FIXTURE_TEST_CASE(a_key_that_is_missing_when_the_token_is_opened_first_is_looked_for_too, OneIsMissing) {
  open.signer.reset();
  open.token.script(shows_one_key(1));
  open.signer = open_ok(open.config);
  if (!open.signer->find_key(present.id)) std::swap(present, missing);
  BOOST_TEST((refusal_of(open.signer->prove_key(missing.id)).code == Code::hsm_unavailable));
  BOOST_TEST((refusal_of(open.signer->find_key(missing.id)).code == Code::hsm_unavailable));
  now += milliseconds(200);
  BOOST_TEST(open.signer->find_key(missing.id).has_value());
  BOOST_TEST(signs(*open.signer, missing));
}

// Another program may make one meanwhile, of which nobody here knows.
BOOST_FIXTURE_TEST_CASE(a_key_that_nobody_missed_is_found_by_who_looks_for_it_and_else_by_nobody, OneIsMissing) {
  open.signer.reset();
  open.token.script(shows_one_key(2));
  open.signer = open_ok(open.config);
  if (!open.signer->look_for(present.id)) std::swap(present, missing);
  const Error refused = refusal_of(open.signer->look_for(KeyId{}));
  BOOST_TEST((refused.code == Code::not_found), refused.message);
  now += milliseconds(5000);
  BOOST_TEST(signs(*open.signer, present));
  BOOST_TEST(open.signer->list_keys()->size() == 1U);
  BOOST_TEST((open.signer->look_for(missing.id)->id == missing.id));
  BOOST_TEST(open.signer->list_keys()->size() == 2U);
  BOOST_TEST(signs(*open.signer, missing));
}

// Which keys should be there, and so whether this one counts as destroyed, is for the keyring to say.
BOOST_FIXTURE_TEST_CASE(a_key_is_not_found_only_by_a_look_that_shows_every_other_key_seen_before, OneIsMissing) {
  open.token.script("claim C_FindObjects * 0\n");
  for (int i = 0; i < 2; ++i) {
    const Error refused = refusal_of(open.signer->destroy_key(missing.id, missing.label));
    BOOST_TEST((refused.code == Code::hsm_unavailable));
    BOOST_TEST(contains(refused.message, "nor 1 of the others that it has shown"), refused.message);
  }
  open.token.script("");
  now += milliseconds(100);
  BOOST_TEST(signs(*open.signer, present));
  BOOST_TEST(signs(*open.signer, missing));
  BOOST_TEST((refusal_of(open.signer->destroy_key(KeyId{}, "nobody's")).code == Code::not_found));
}

// Another program deletes what the search has just found.
BOOST_FIXTURE_TEST_CASE(an_object_that_goes_while_a_missing_key_is_looked_for_ends_no_generation, OneIsMissing) {
  lose(1);
  now += milliseconds(100);
  open.token.script("fail C_GetAttributeValue 1 0x82\n");
  BOOST_TEST(open.signer->find_key(missing.id).has_value());  // by the look that follows
  BOOST_TEST(open.signer->status().generation == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_look_during_which_objects_go_each_time_says_nothing_and_ends_no_generation, OneIsMissing) {
  lose(1);
  now += milliseconds(100);
  open.token.script("fail C_GetAttributeValue * 0x82\n");
  const Error refused = refusal_of(open.signer->find_key(missing.id));
  BOOST_TEST((refused.code == Code::hsm_busy), refused.message);
  BOOST_TEST(contains(refused.message, "went while it was looked at"), refused.message);
  BOOST_TEST((refusal_of(open.signer->destroy_key(missing.id, missing.label)).code == Code::hsm_busy));
  open.token.script("");
  now += milliseconds(200);
  BOOST_TEST(signs(*open.signer, missing));
  BOOST_TEST(open.signer->status().generation == 2U);
}

BOOST_FIXTURE_TEST_CASE(who_looks_for_a_key_that_somebody_else_has_destroyed_is_told_and_nobody_signs_with_a_copy,
                        OneIsMissing) {
  BOOST_TEST(signs(*open.signer, missing));
  somebody_else_destroys_it();
  BOOST_TEST((refusal_of(open.signer->look_for(missing.id)).code == Code::not_found));
  BOOST_TEST((refusal_of(sign_with_missing()).code == Code::hsm_unavailable));
  BOOST_TEST(open.signer->list_keys()->size() == 1U);
  BOOST_TEST(signs(*open.signer, present));
}

BOOST_FIXTURE_TEST_CASE(who_looks_for_a_key_that_is_not_usable_is_told_what_is_wrong_with_it, OneIsMissing) {
  open.signer.reset();
  open.token.script(shows_one_key(1));
  open.signer = open_ok(open.config);
  open.token.script("attribute 0x162 1\n");  // CKA_EXTRACTABLE
  const auto looked = [&](const KeyInfo& key) { return open.signer->look_for(key.id); };
  const Error refused = refusal_of(looked(present) ? looked(missing) : looked(present));
  BOOST_TEST((refused.code == Code::hsm_unavailable));
  BOOST_TEST(contains(refused.message, "is in the token, but "), refused.message);
}

BOOST_FIXTURE_TEST_CASE(a_key_of_ours_that_is_back_proves_itself_to_who_looks_for_it_too, OneIsMissing) {
  lose(1);
  BOOST_TEST(!sign_with_missing());
  open.token.script("flip C_Sign 1\n");
  const Error refused = refusal_of(open.signer->look_for(missing.id));
  BOOST_TEST(contains(refused.message, "is in the token, but the token gave a signature that does not verify"),
             refused.message);
  BOOST_TEST(open.signer->list_keys()->size() == 1U);
  BOOST_TEST((open.signer->look_for(missing.id)->id == missing.id));
  BOOST_TEST(signs(*open.signer, missing));
}

BOOST_FIXTURE_TEST_CASE(a_key_that_somebody_else_has_destroyed_is_missed_no_more_once_it_counts_as_destroyed,
                        OneIsMissing) {
  somebody_else_destroys_it();
  BOOST_TEST((refusal_of(open.signer->destroy_key(missing.id, "other")).code == Code::not_found));
  open.token.script("dead 0x32\n");
  BOOST_TEST(signs(*open.signer, present));
  BOOST_TEST((refusal_of(open.signer->destroy_key(KeyId{}, "nobody's")).code == Code::not_found));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hubseal::hsm
