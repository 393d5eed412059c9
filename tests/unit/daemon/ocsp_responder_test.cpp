#include <openssl/ocsp.h>

#include <boost/test/unit_test.hpp>

#include "tests/unit/daemon/ocsp_room.h"

using namespace hubseal;
using namespace hubseal::daemon;
using std::chrono::hours;
using std::chrono::minutes;
using test::must;
using test::ocsp::Room;
using test::ocsp::Said;

namespace {

constexpr int kSuccessful = OCSP_RESPONSE_STATUS_SUCCESSFUL, kTryLater = OCSP_RESPONSE_STATUS_TRYLATER;

Quota once(std::int64_t burst) { return {.burst = burst, .refill = 1, .refill_time = hours(24)}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(ocsp_responder)

BOOST_AUTO_TEST_CASE(a_ca_that_soon_ends_is_no_reason_for_one_key_after_the_other) {
  Room room({.validity = std::chrono::days(1), .backdate = minutes(0)});
  room.pass(hours(24) - minutes(3));  // less is left than responders are backdated
  for (int n = 0; n < 20; ++n) {
    BOOST_TEST(room.ask("n" + std::to_string(n)).outcome == kSuccessful);
    room.pass(std::chrono::seconds(5));
  }
  BOOST_TEST(room.token.generated == 2);  // the CA's and one
  room.open();
  BOOST_TEST(room.ask("again").outcome == kSuccessful);
  BOOST_TEST(room.token.generated == 2);
  room.pass(minutes(10));
  BOOST_TEST(room.ask("over").outcome == kTryLater);
  BOOST_TEST(room.token.generated == 2);
}

BOOST_AUTO_TEST_CASE(who_is_over_the_quota_makes_no_key) {
  Room room;
  room.quota(QuotaKind::ocsp) = once(1);
  room.quota(QuotaKind::ocsp).refill_time = hours(24 * 365);
  BOOST_TEST(room.ask().outcome == kSuccessful);
  const int made = room.token.generated;
  room.pass(hours(24 * 8));  // half of the responder's time is over
  BOOST_TEST(room.ask().outcome == kTryLater);
  BOOST_TEST(room.token.generated == made);
}

BOOST_AUTO_TEST_CASE(an_intent_that_cannot_be_finished_does_not_stop_the_responder) {
  // Near the CA's end a second attempt would have another validity than what was recorded.
  Room room({.validity = std::chrono::days(10), .backdate = minutes(5)});
  room.token.broken = must(room.keyring->show("hub-ca")).record.id;
  BOOST_TEST(room.ask().outcome == kTryLater);
  room.token.broken = {};
  room.pass(hours(1));
  BOOST_TEST(room.ask().status == "good");
  BOOST_TEST(room.keys(KeyLife::active).size() == 1U);
  BOOST_TEST(room.keys(KeyLife::deactivated).size() == 1U);
}

BOOST_AUTO_TEST_CASE(an_attempt_that_fails_is_not_repeated_with_every_question) {
  Room room;
  room.token.broken = must(room.keyring->show("hub-ca")).record.id;
  for (int n = 0; n < 20; ++n) BOOST_TEST(room.ask("n" + std::to_string(n)).outcome == kTryLater);
  BOOST_TEST(room.recorded("certificate_intent") == 2);  // the CA's and one
  room.token.broken = {};
  room.pass(minutes(2));
  BOOST_TEST(room.ask().status == "good");
  BOOST_TEST(room.keys(KeyLife::active).size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_responder_that_is_revoked_signs_nothing_more) {
  Room room;
  const Said first = room.ask();
  BOOST_TEST(first.status == "good");
  const auto keys = room.keys(KeyLife::active);
  room.revoke(first.responder);
  room.gate->close("seal", {Code::sealed, "sealed"});
  BOOST_TEST(room.ask().outcome == kTryLater);  // what it has signed is not given either
  room.gate->open("seal");
  const Said second = room.ask();
  BOOST_TEST(second.status == "good");
  BOOST_TEST(second.responder != first.responder);
  BOOST_TEST(room.ask("nonce").responder == second.responder);
  BOOST_TEST(room.keys(KeyLife::deactivated) == keys, boost::test_tools::per_element());
  room.revoke(second.responder, ca::RevocationReason::certificate_hold);
  room.open();  // nor after a restart
  BOOST_TEST(room.ask().responder != second.responder);
}

BOOST_AUTO_TEST_CASE(no_answer_says_good_that_was_signed_while_somebody_revoked) {
  for (const char* nonce : {"", "nonce"}) {
    Room room;
    room.ask("the responder is made");
    room.token.meanwhile = [&] { room.revoke(room.root_serial); };
    BOOST_TEST(room.ask(nonce).status == "revoked");
    BOOST_TEST(room.ask(nonce).status == "revoked");
  }
}

BOOST_AUTO_TEST_CASE(nothing_was_revoked_after_the_answer_that_says_so) {
  Room room;
  room.clock.time += minutes(3);  // ahead, and set right
  room.revoke(room.root_serial);
  room.clock.time -= minutes(3);
  for (const char* nonce : {"", "nonce"}) {
    const Said said = room.ask(nonce);
    BOOST_TEST(said.status == "revoked");
    BOOST_TEST((said.revoked_at <= said.produced));
  }
}

BOOST_AUTO_TEST_CASE(nobody_who_seals_waits_for_a_key_that_is_being_made_and_it_is_not_certified_then) {
  Room room;
  bool nobody_inside = false;
  room.token.generating = [&] {
    nobody_inside = room.gate->wait_for_those_inside(std::chrono::steady_clock::now());
    room.gate->close("seal", {Code::sealed, "sealed"});
  };
  BOOST_TEST(room.ask().outcome == kTryLater);
  BOOST_TEST(nobody_inside);
  BOOST_TEST(room.recorded("ocsp_responder_certified") == 0);
  room.gate->open("seal");
  room.pass(minutes(2));
  BOOST_TEST(room.ask().status == "good");
  BOOST_TEST(room.keys(KeyLife::active).size() == 1U);  // the one that was made then
}

BOOST_AUTO_TEST_CASE(a_ca_whose_key_is_compromised_vouches_for_nothing) {
  Room room;
  BOOST_TEST(room.ask().status == "good");
  must(room.keyring->change(
      "hub-ca", [&](KeyRecord& key) { return enter_life(key, KeyLife::compromised, room.clock.time); }, Grant()));
  BOOST_TEST(room.ask().outcome == OCSP_RESPONSE_STATUS_UNAUTHORIZED);
  BOOST_TEST(room.ask("nonce").outcome == OCSP_RESPONSE_STATUS_UNAUTHORIZED);
  room.open();
  BOOST_TEST(room.ask().outcome == OCSP_RESPONSE_STATUS_UNAUTHORIZED);
}

BOOST_AUTO_TEST_CASE(questions_that_need_an_answer_of_their_own_do_not_starve_the_others) {
  Room room;
  room.quota(QuotaKind::ocsp_once) = once(3);
  for (int n = 0; n < 3; ++n) BOOST_TEST(room.ask("n" + std::to_string(n)).outcome == kSuccessful);
  BOOST_TEST(room.ask("one more").outcome == kTryLater);
  BOOST_TEST(room.ask("", "0abc").outcome == kTryLater);  // everybody can invent a serial
  BOOST_TEST(room.ask().status == "good");
  BOOST_TEST(room.recorded("ocsp_response") == 4);
}

BOOST_AUTO_TEST_CASE(what_is_asked_for_is_signed_anew_before_it_ends) {
  Room room;
  const Said first = room.ask();
  room.pass(minutes(31));
  room.responder->renew_ahead(room.policy);
  BOOST_TEST(room.recorded("ocsp_response") == 1);  // nobody has asked since it was signed
  BOOST_TEST((room.ask().der == first.der));
  room.responder->renew_ahead(room.policy);
  BOOST_TEST(room.recorded("ocsp_response") == 2);
  room.token.gone = true;
  room.pass(minutes(25));
  const Said renewed = room.ask();
  BOOST_TEST(renewed.status == "good");
  BOOST_TEST((renewed.next_update == first.next_update + minutes(31)));
  room.pass(minutes(34));
  BOOST_TEST((room.ask().der == renewed.der));  // nearly over, and better than nothing
  room.pass(minutes(1));
  BOOST_TEST(room.ask().outcome == kTryLater);
}

BOOST_AUTO_TEST_CASE(while_nothing_can_be_signed_what_is_kept_is_given_unless_the_registry_says_otherwise) {
  for (const bool sealed : {true, false}) {
    Room room;
    const Said first = room.ask();
    if (sealed)
      room.gate->close("seal", {Code::sealed, "sealed"});
    else
      room.token.gone = true;
    room.pass(minutes(40));
    BOOST_TEST((room.ask().der == first.der));
    room.responder->renew_ahead(room.policy);
    BOOST_TEST((room.ask().der == first.der));
    room.revoke(room.root_serial);
    BOOST_TEST(room.ask().outcome == kTryLater);
    room.responder->renew_ahead(room.policy);
    BOOST_TEST(room.ask().outcome == kTryLater);
    room.gate->open("seal");
    room.token.gone = false;
    room.responder->renew_ahead(room.policy);
    BOOST_TEST(room.ask().status == "revoked");
  }
}

BOOST_AUTO_TEST_CASE(renewing_ahead_is_held_to_the_quota_and_makes_the_next_responder) {
  Room room;
  const Said first = room.ask();
  room.ask();
  room.quota(QuotaKind::ocsp) = once(1);
  room.pass(minutes(31));
  room.responder->renew_ahead(room.policy);
  room.ask();
  room.pass(minutes(31));
  room.responder->renew_ahead(room.policy);
  BOOST_TEST(room.recorded("ocsp_response") == 2);
  room.quota(QuotaKind::ocsp) = {.unlimited = true};
  room.pass(hours(8 * 24));
  room.ask();
  room.ask();
  BOOST_TEST(room.ask().responder != first.responder);
  BOOST_TEST(room.keys(KeyLife::deactivated).size() == 1U);
}

// A token that was put back does not have it, whether hubseald runs on or is started anew.
BOOST_AUTO_TEST_CASE(a_responder_whose_key_the_token_has_lost_has_a_successor) {
  for (const bool starts_anew : {false, true}) {
    Room room;
    const Said first = room.ask();
    BOOST_TEST(first.status == "good");
    const std::string label = room.keys(KeyLife::active).front();
    room.hide_responder();
    if (starts_anew) room.open();
    BOOST_TEST(room.ask("first look").outcome == kTryLater);
    room.pass(OcspDelegates::kLate);
    const Said second = room.ask("nonce");
    BOOST_TEST(second.status == "good");
    BOOST_TEST(second.responder != first.responder);
    BOOST_TEST(room.keys(KeyLife::deactivated) == std::vector{label}, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(a_responder_whose_key_is_quarantined_has_a_successor) {
  Room room;
  const Said first = room.ask();
  const std::string label = room.keys(KeyLife::active).front();
  room.token.quarantined = room.token.broken = must(room.keyring->show(label)).record.id;
  BOOST_TEST(room.ask("first look").outcome == kTryLater);
  room.pass(OcspDelegates::kLate);
  const Said second = room.ask("nonce");
  BOOST_TEST(second.status == "good");
  BOOST_TEST(second.responder != first.responder);
  BOOST_TEST(room.keys(KeyLife::deactivated) == std::vector{label}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_responder_whose_key_the_token_shows_late_has_none) {
  Room room;
  const Said first = room.ask();
  room.hide_responder();
  for (int n = 0; n < 5; ++n) {
    BOOST_TEST(room.ask("n" + std::to_string(n)).outcome == kTryLater);
    room.pass(OcspDelegates::kLate / 6);
  }
  BOOST_TEST((room.ask().der == first.der));  // what it has signed is good
  room.token.keys.hide({});
  BOOST_TEST(room.ask("nonce").responder == first.responder);
  room.hide_responder();  // and it is late once more
  room.pass(OcspDelegates::kLate);
  BOOST_TEST(room.ask("late").outcome == kTryLater);
  room.token.keys.hide({});
  BOOST_TEST(room.ask("again").responder == first.responder);
  BOOST_TEST(room.token.generated == 2);  // the CA's and one
}

BOOST_AUTO_TEST_CASE(a_token_that_comes_and_goes_and_shows_its_keys_late_gets_no_new_ones) {
  Room room;
  const Said first = room.ask();
  for (int n = 0; n < 5; ++n) {
    room.hide_responder();
    BOOST_TEST(room.ask("late").outcome == kTryLater);
    room.token.gone = true;
    room.pass(OcspDelegates::kLate);
    BOOST_TEST(room.ask("gone").outcome == kTryLater);
    room.token.gone = false;
    ++room.token.opened;
  }
  room.token.keys.hide({});
  BOOST_TEST(room.ask("nonce").responder == first.responder);
  BOOST_TEST(room.token.generated == 2);
}

BOOST_AUTO_TEST_SUITE_END()
