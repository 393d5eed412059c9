/// What nobody would notice on a good day: each rule of hsm/recovery.h that only shows when threads wait for each
/// other, when time passes, or when the token fails more than once.
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <vector>

#include "hsm/recovery.h"
#include "tests/support/fake_token.h"
#include "tests/support/must.h"
#include "tests/support/until.h"
#include "tests/unit/hsm/open_signer.h"
#include "tests/unit/hsm/signer_checks.h"

namespace hubseal::hsm {
namespace {

using std::chrono::milliseconds;
using test::FakeToken;

/// Until somebody has begun this call; `before` is how many there were.
void await_call(const FakeToken& token, const std::string& function, unsigned long before) {
  BOOST_REQUIRE(test::until([&] { return token.calls(function) != before; }));
}

/// Whether it comes to an end while what it might wait for is held. Long enough that only a thread that does wait is
/// still there.
template <class T>
bool ends_by_itself(const std::future<T>& future) {
  return future.wait_for(std::chrono::minutes(1)) == std::future_status::ready;
}

/// A token whose Signer is asked by several threads. Who finds the token lost looks at the clock before it waits, and
/// holds the lock meanwhile: whoever was counted waits before anybody can tell it anything.
struct Waiting {
  std::atomic<int> looked{0};
  Open open{[this](TokenConfig& config) {
    config.deadline = std::chrono::minutes(3);  // what ends_by_itself ends before that
    config.now = [this] {
      ++looked;
      return std::chrono::steady_clock::time_point();
    };
  }};
  unsigned long initialized = open.token.calls("C_Initialize");

  void lose_and_hold_the_next() {
    open.token.script("dead 0x32\nhold C_Initialize *\n");
    threads.push_back(sign());
    await_call(open.token, "C_Initialize", initialized);
  }
  std::future<bool> sign() {
    return std::async(std::launch::async, [this] { return signs(*open.signer, open.key); });
  }
  template <class Start>
  auto start_and_await(Start start) {
    const int before = looked;
    auto started = start();
    BOOST_REQUIRE(test::until([&] { return looked != before; }));
    return started;
  }
  void wait_as_well() {
    threads.push_back(start_and_await([this] { return sign(); }));
  }
  unsigned long attempts() const { return open.token.calls("C_Initialize") - initialized; }

  std::vector<std::future<bool>> threads;
};

BOOST_AUTO_TEST_SUITE(rules_of_recovery)

BOOST_AUTO_TEST_CASE(a_request_that_loses_the_next_generation_as_well_is_not_tried_a_third_time) {
  Open open(&no_pause);
  const auto before = open.token.calls("C_Sign");
  open.token.script("fail C_Sign 1 0x30\nfail C_Sign 3 0x30\n");
  BOOST_TEST((refusal_of(open.sign()).code == Code::hsm_unavailable));
  BOOST_TEST(open.token.calls("C_Sign") == before + 3);  // failed, challenge, failed
  BOOST_TEST(open.signer->status().generation == 2U);
  BOOST_TEST(!open.signer->status().ready);
  BOOST_TEST(signs(*open.signer, open.key));  // the next request opens the token again
  BOOST_TEST(open.token.calls("C_Sign") == before + 5);
  BOOST_TEST(open.signer->status().generation == 3U);
}

BOOST_AUTO_TEST_CASE(the_pause_between_attempts_doubles_from_the_first_to_the_last) {
  std::chrono::steady_clock::time_point now;
  Open open([&now](TokenConfig& config) {
    config.retry_first = milliseconds(100);
    config.retry_last = milliseconds(5000);
    config.now = [&now] { return now; };
  });
  const auto attempts = [&] { return open.token.calls("C_Initialize"); };
  const auto is_the_pause = [&](milliseconds pause) {
    const auto before = attempts();
    now += pause - milliseconds(1);
    BOOST_TEST((refusal_of(open.sign()).code == Code::hsm_unavailable));
    BOOST_TEST(attempts() == before);
    now += milliseconds(1);
    BOOST_TEST((refusal_of(open.sign()).code == Code::hsm_unavailable));
    BOOST_TEST(attempts() == before + 1);
  };
  open.token.script("absent\n");
  BOOST_TEST(!open.sign());
  for (const int pause : {100, 200, 400, 800, 1600, 3200, 5000, 5000}) BOOST_TEST_CONTEXT(pause << " ms") {
      is_the_pause(milliseconds(pause));
    }

  now += milliseconds(5000);
  open.token.script("");
  BOOST_TEST(signs(*open.signer, open.key));
}

BOOST_AUTO_TEST_CASE(who_waits_for_another_to_open_the_token_gives_up_at_the_deadline) {
  Open open([](TokenConfig& config) { config.deadline = milliseconds(50); });
  const auto initialized = open.token.calls("C_Initialize");
  open.token.script("dead 0x32\nhold C_Initialize *\n");
  auto first = std::async(std::launch::async, [&] { return open.sign(); });
  await_call(open.token, "C_Initialize", initialized);
  auto second = std::async(std::launch::async, [&] { return open.sign(); });
  BOOST_TEST(ends_by_itself(second));
  open.token.script("");
  const auto given_up = second.get();
  BOOST_TEST(first.get().has_value());
  BOOST_TEST((refusal_of(given_up).code == Code::hsm_unavailable));
  BOOST_TEST(contains(given_up.error().message, "in time"), given_up.error().message);
}

BOOST_FIXTURE_TEST_CASE(who_waited_for_an_attempt_that_failed_does_not_try_again_at_once, Waiting) {
  lose_and_hold_the_next();
  wait_as_well();
  open.token.script("absent\n");
  for (auto& thread : threads) BOOST_TEST(!thread.get());
  BOOST_TEST(attempts() == 1U);
}

BOOST_FIXTURE_TEST_CASE(who_waited_for_another_to_open_the_token_is_told_and_uses_what_it_opened, Waiting) {
  lose_and_hold_the_next();
  for (int i = 0; i < 4; ++i) wait_as_well();
  open.token.script("");
  for (auto& thread : threads) {
    BOOST_TEST(ends_by_itself(thread));
    BOOST_TEST(thread.get());
  }
  BOOST_TEST(attempts() == 1U);
  BOOST_TEST(open.signer->status().generation == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_key_that_was_destroyed_before_its_last_signature_was_told_is_not_looked_for, Waiting) {
  const KeyInfo other = generate_ok(*open.signer, KeyType::ec_p256, "other");
  const auto before = open.token.calls("C_Sign");
  open.token.script("hold C_Sign 1\n");
  auto late = sign();
  await_call(open.token, "C_Sign", before);
  for (const KeyInfo& key : {other, open.key}) test::must(open.signer->destroy_key(key.id, key.label));
  open.token.script("");
  BOOST_TEST(late.get());
  open.token.script("dead 0x32\n");
  generate_ok(*open.signer, KeyType::ec_p256, "next");  // by a generation that no key was missed in
  BOOST_TEST(open.signer->status().generation == 2U);
}

BOOST_FIXTURE_TEST_CASE(who_waits_for_the_last_user_of_a_lost_token_is_told_when_it_has_gone, Waiting) {
  const auto before = open.token.calls("C_Sign");
  open.token.script("hold C_Sign 1\nfail C_GenerateKeyPair 1 0x30\n");
  auto user = sign();
  await_call(open.token, "C_Sign", before);
  auto next = start_and_await([this] {
    return std::async(std::launch::async,
                      [this] { return open.signer->generate_key(KeyType::ec_p256, "other").has_value(); });
  });
  BOOST_TEST(attempts() == 0U);
  open.token.script("");
  BOOST_TEST(ends_by_itself(next));
  BOOST_TEST(next.get());
  BOOST_TEST(user.get());
  BOOST_TEST(open.signer->status().generation == 2U);
}

BOOST_AUTO_TEST_CASE(a_lost_token_is_not_finalised_while_a_call_is_in_the_module) {
  const FakeToken token;
  TokenConfig config = token.config();
  config.sessions = 2;
  config.deadline = milliseconds(50);
  Recovery recovery(config);
  std::optional<Recovery::Use> use(*recovery.enter());
  Generation& generation = use->generation();
  const auto key = generation.generate_key(KeyType::ec_p256, "jws");
  BOOST_REQUIRE(key);
  const auto before = token.calls("C_Sign");
  const auto finalized = token.calls("C_Finalize");
  token.script("hold C_Sign 1\nfail C_GenerateKeyPair 1 0x30\n");
  auto held = std::async(std::launch::async, [&] {
    return generation.sign(key->id, SignatureAlgorithm::ecdsa_sha256, as_bytes("x")).has_value();
  });
  await_call(token, "C_Sign", before);
  BOOST_TEST(!generation.generate_key(KeyType::ec_p256, "other"));
  const bool has_entered = recovery.enter().has_value();
  const auto finalized_meanwhile = token.calls("C_Finalize") - finalized;
  token.script("");
  BOOST_TEST(held.get());
  BOOST_TEST(!has_entered);
  BOOST_TEST(finalized_meanwhile == 0U);
  use.reset();
  BOOST_TEST(recovery.enter().has_value());
  BOOST_TEST(token.calls("C_Finalize") == finalized + 1);
}

BOOST_AUTO_TEST_CASE(no_session_of_a_lost_token_is_closed_by_who_made_a_key_in_it) {
  const FakeToken token;
  Recovery recovery(token.config());
  const auto use = recovery.enter();
  BOOST_REQUIRE(use);
  const auto closed = token.calls("C_CloseSession");
  token.script("fail C_GenerateKeyPair 1 0x30\n");
  BOOST_TEST(!use->generation().generate_key(KeyType::ec_p256, "jws"));
  BOOST_TEST(token.calls("C_CloseSession") == closed);
}

BOOST_AUTO_TEST_CASE(a_token_that_refused_the_pin_is_left_alone) {
  Open open(&no_pause);
  open.token.script("dead 0x32\nfail C_Login * 0xa0\n");
  BOOST_TEST(!open.sign());
  const auto initialized = open.token.calls("C_Initialize");
  BOOST_TEST(contains(refusal_of(open.sign()).message, "not sent again"));
  BOOST_TEST(open.token.calls("C_Initialize") == initialized);
}

BOOST_AUTO_TEST_CASE(status_says_in_words_whether_anybody_tried_to_open_a_lost_token) {
  Open open;
  // The challenge passes, the request does not: nobody opens it a third time.
  open.token.script("fail C_Sign 1 0x30\nfail C_Sign 3 0x30\n");
  BOOST_TEST(!open.sign());
  BOOST_TEST(open.signer->status().problem == "the token was lost");
  open.token.script("absent\n");
  BOOST_TEST(!open.sign());
  BOOST_TEST(contains(open.signer->status().problem, "found none"), open.signer->status().problem);
}

BOOST_AUTO_TEST_CASE(who_waits_for_a_session_gives_up_at_the_deadline) {
  Open open([](TokenConfig& config) {
    config.sessions = 1;
    config.deadline = milliseconds(50);
  });
  const auto before = open.token.calls("C_Sign");
  open.token.script("hold C_Sign *\n");
  auto first = std::async(std::launch::async, [&] { return open.sign(); });
  await_call(open.token, "C_Sign", before);
  auto second = std::async(std::launch::async, [&] { return open.sign(); });
  BOOST_TEST(ends_by_itself(second));
  open.token.script("");
  const auto given_up = second.get();
  BOOST_TEST(first.get().has_value());
  BOOST_TEST((refusal_of(given_up).code == Code::hsm_busy));
  BOOST_TEST(open.signer->status().generation == 1U);
}

BOOST_AUTO_TEST_CASE(who_waits_for_a_session_of_a_lost_token_is_sent_away) {
  const FakeToken token;
  TokenConfig config = token.config();
  config.sessions = 1;
  config.deadline = std::chrono::minutes(1);  // nobody is to wait for that long
  Recovery recovery(config);
  std::optional<Recovery::Use> use(*recovery.enter());
  Generation& generation = use->generation();
  const auto key = generation.generate_key(KeyType::ec_p256, "jws");
  BOOST_REQUIRE(key);
  const auto sign = [&] { return generation.sign(key->id, SignatureAlgorithm::ecdsa_sha256, as_bytes("x")); };

  const auto before = token.calls("C_Sign");
  token.script("hold C_Sign 1\nfail C_GenerateKeyPair 1 0x30\n");
  auto holder = std::async(std::launch::async, sign);
  await_call(token, "C_Sign", before);
  auto waiter = std::async(std::launch::async, sign);
  // Making a key has a session of its own, and finds out that the token is lost.
  BOOST_TEST(!generation.generate_key(KeyType::ec_p256, "other"));
  BOOST_TEST(generation.lost());
  auto next = std::async(std::launch::async, [&] { return recovery.enter().has_value(); });
  const auto sent_away = waiter.get();
  BOOST_TEST(token.calls("C_Sign") == before + 1);
  token.script("");
  (void)holder.get();
  use.reset();
  BOOST_TEST(next.get());
  BOOST_TEST((refusal_of(sent_away).code == Code::hsm_unavailable));
  BOOST_TEST(sent_away.error().message == "the token was lost");
}

BOOST_AUTO_TEST_CASE(a_key_is_proven_after_a_loss_when_it_has_signed_or_was_proven_whoever_made_it) {
  const struct {
    std::string_view name;
    std::function<void(Open&)> use;
    unsigned calls;
  } cases[] = {
      {"signed", [](Open& open) { BOOST_TEST(signs(*open.signer, open.key)); }, 3},  // failed, challenge, request
      {"proven", [](Open& open) { BOOST_TEST(open.signer->prove_key(open.key.id).has_value()); }, 3},
      {"not used", [](Open&) {}, 2},  // failed, request
  };
  for (const auto& one : cases) {
    BOOST_TEST_CONTEXT(one.name) {
      Open open;
      open.reopen();  // this Signer has made no key
      one.use(open);
      const auto before = open.token.calls("C_Sign");
      open.token.script("fail C_Sign 1 0x30\n");
      BOOST_TEST(signs(*open.signer, open.key));
      BOOST_TEST(open.token.calls("C_Sign") == before + one.calls);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hubseal::hsm
