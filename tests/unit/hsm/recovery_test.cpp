#include "hsm/recovery.h"

#include <atomic>
#include <cstring>
#include <new>
#include <thread>

#include <fmt/format.h>

#include "tests/support/fake_token.h"
#include "tests/unit/hsm/open_signer.h"
#include "tests/unit/hsm/signer_checks.h"

namespace hubseal::hsm {
namespace {

using test::FakeToken;

BOOST_AUTO_TEST_SUITE(recovery)

BOOST_AUTO_TEST_CASE(every_code_that_ends_a_generation_is_survived_with_one_login) {
  // Session closed, session invalid, key handle invalid, not logged in, removed, not present, device
  // error, general error, function failed, not initialised, a vendor's own code.
  for (const char* code :
       {"0xb0", "0xb3", "0x60", "0x101", "0x32", "0xe0", "0x30", "0x5", "0x6", "0x190", "0x80000001"}) {
    for (const char* function : {"C_SignInit", "C_Sign"}) {
      BOOST_TEST_CONTEXT(function << " gives " << code) {
        Open open;
        const auto logins = open.token.calls("C_Login");
        open.token.script(fmt::format("fail {} 1 {}\n", function, code));
        BOOST_TEST(signs(*open.signer, open.key));
        BOOST_TEST(open.signer->status().generation == 2U);
        BOOST_TEST(open.token.calls("C_Login") == logins + 1);
        BOOST_TEST(open.token.calls("C_Finalize") == 1U);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(sessions_that_stay_dead_until_the_module_is_initialised_anew_are_survived) {
  Open open;
  open.token.script("dead 0x30\n");
  BOOST_TEST(signs(*open.signer, open.key));
  BOOST_TEST(open.signer->status().generation == 2U);
}

BOOST_AUTO_TEST_CASE(what_the_caller_did_wrong_and_a_busy_token_end_no_generation) {
  const struct {
    const char* code;
    Code wanted;
  } cases[] = {
      {"0x70", Code::bad_request}, {"0x20", Code::bad_request}, {"0xb1", Code::hsm_busy}, {"0x31", Code::hsm_busy}};
  for (const auto& one : cases) {
    BOOST_TEST_CONTEXT(one.code) {
      Open open;
      const auto closed = open.token.calls("C_CloseSession");
      open.token.script(fmt::format("fail C_Sign 1 {}\n", one.code));
      BOOST_TEST((refusal_of(open.sign()).code == one.wanted));
      BOOST_TEST(open.token.calls("C_CloseSession") == closed + 1);  // never given back after an error
      BOOST_TEST(signs(*open.signer, open.key));
      BOOST_TEST(open.signer->status().generation == 1U);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_request_is_retried_once_and_no_more) {
  Open open;
  open.token.script("fail C_Sign * 0x30\n");
  BOOST_TEST((refusal_of(open.sign()).code == Code::hsm_unavailable));
  // Once for the request, once for the challenge of the next generation, which is as dead.
  BOOST_TEST(open.signer->status().generation == 1U);
  BOOST_TEST(!open.signer->status().ready);
}

BOOST_AUTO_TEST_CASE(the_keys_in_use_are_proven_before_the_request_is_retried) {
  Open open;
  const auto before = open.token.calls("C_Sign");
  open.token.script("fail C_Sign 1 0x30\n");
  BOOST_TEST(signs(*open.signer, open.key));
  BOOST_TEST(open.token.calls("C_Sign") == before + 3);  // failed, challenge, request
}

BOOST_AUTO_TEST_CASE(a_key_that_fails_its_challenge_is_quarantined_and_the_others_sign_on) {
  Open open;
  const KeyInfo other = generate_ok(*open.signer, KeyType::rsa_2048, "other");
  // The first C_Sign ends the generation; the second is the challenge of the key with the lower id.
  open.token.script("fail C_Sign 1 0x30\nflip C_Sign 2\n");
  const KeyInfo& first = open.key.id < other.id ? open.key : other;
  const KeyInfo& second = open.key.id < other.id ? other : open.key;
  BOOST_TEST(signs(*open.signer, second));
  BOOST_TEST((open.signer->find_key(first.id)->state == KeyState::quarantined));
  BOOST_TEST(!signs(*open.signer, first));
}

BOOST_AUTO_TEST_CASE(a_token_that_is_gone_is_said_to_be_gone_and_used_again_when_it_is_back) {
  Open open(&no_pause);
  open.token.script("absent\n");
  const Error refused = refusal_of(open.sign());
  BOOST_TEST((refused.code == Code::hsm_unavailable));
  BOOST_TEST(contains(refused.message, "wanted the token labelled hub; found none"), refused.message);
  BOOST_TEST(!open.signer->status().ready);
  BOOST_TEST(contains(open.signer->status().problem, "found none"));
  const auto logins = open.token.calls("C_Login");
  BOOST_TEST(!open.sign());
  BOOST_TEST(open.token.calls("C_Login") == logins);  // no PIN for a token that is not there
  open.token.script("renumber 4242\n");
  BOOST_TEST(signs(*open.signer, open.key));
  BOOST_TEST(open.signer->status().ready);
  BOOST_TEST(open.token.calls("C_Login") == logins + 1);
}

BOOST_AUTO_TEST_CASE(between_attempts_requests_are_refused_at_once_and_the_token_is_left_alone) {
  Open open;
  open.token.script("absent\n");
  BOOST_TEST(!open.sign());
  const auto initialized = open.token.calls("C_Initialize");
  for (int i = 0; i < 10; ++i) BOOST_TEST((refusal_of(open.sign()).code == Code::hsm_unavailable));
  BOOST_TEST(open.token.calls("C_Initialize") == initialized);
}

BOOST_AUTO_TEST_CASE(a_token_that_is_lost_again_before_it_signs_is_not_opened_over_and_over) {
  Open open;
  // The challenges pass (PKCS#1 v1.5 and ECDSA go through C_Sign 2, 4, ...), the requests do not.
  open.token.script("fail C_Sign 1 0x30\nfail C_Sign 3 0x30\nfail C_Sign 5 0x30\nfail C_Sign 7 0x30\n");
  BOOST_TEST(!open.sign());  // generation 2, lost
  BOOST_TEST(!open.sign());  // generation 3, opened after a futile one: a pause begins
  const auto initialized = open.token.calls("C_Initialize");
  BOOST_TEST(!open.sign());
  BOOST_TEST(open.token.calls("C_Initialize") == initialized);
}

BOOST_AUTO_TEST_CASE(a_token_with_other_keys_of_the_same_labels_is_not_used_in_the_place_of_the_first) {
  Open open(&no_pause);
  // Another token of that label, with another key of that label.
  const std::string old_config = std::getenv("SOFTHSM2_CONF");
  const test::TempDir elsewhere;
  std::filesystem::create_directory(elsewhere / "tokens");
  const std::string text =
      fmt::format("directories.tokendir = {}\nobjectstore.backend = file\n", (elsewhere / "tokens").string());
  BOOST_REQUIRE(write_file(elsewhere / "softhsm2.conf", as_bytes(text), 0600));
  ::setenv("SOFTHSM2_CONF", (elsewhere / "softhsm2.conf").c_str(), 1);
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"softhsm2-util", "--init-token", "--free", "--label", "hub", "--pin",
                                 open.token.token().pin(), "--so-pin", open.token.token().so_pin()},
        std::vector<std::string>{"pkcs11-tool", "--module", open.token.token().module(), "--login", "--pin",
                                 open.token.token().pin(), "--keypairgen", "--key-type", "EC:prime256v1", "--label",
                                 "jws", "--id", "2a", "--usage-sign", "--sensitive"}}) {
    const auto run = test::run_command(command);
    BOOST_REQUIRE_MESSAGE(run.exit_code == 0, run.output);
  }
  // It even claims the first one's serial number: any other would not be logged in to.
  open.token.script(fmt::format("dead 0x32\nserial {}\n", open.signer->status().serial));
  BOOST_TEST(contains(refusal_of(open.sign()).message, "none of the 1 keys that were in use"));
  BOOST_TEST(!open.signer->list_keys());
  ::setenv("SOFTHSM2_CONF", old_config.c_str(), 1);
  open.token.script("");
  BOOST_TEST(signs(*open.signer, open.key));  // the first is back
}

BOOST_AUTO_TEST_CASE(a_token_named_by_serial_is_not_replaced_by_another_of_its_label) {
  FakeToken token;
  TokenConfig config = token.config();
  {
    const auto signer = open_ok(config);
    config.serial = signer->status().serial;
    config.label.reset();
  }
  const auto signer = open_ok(config);
  const KeyInfo key = generate_ok(*signer, KeyType::ec_p256, "jws");
  const auto logins = token.calls("C_Login");
  token.script("dead 0x32\nserial 0011223344556677\n");
  const Error refused = refusal_of(signer->prove_key(key.id));
  BOOST_TEST(contains(refused.message, "0011223344556677"), refused.message);
  BOOST_TEST(token.calls("C_Login") == logins);
}

BOOST_AUTO_TEST_CASE(a_token_named_by_label_is_not_replaced_by_another_of_that_label_which_gets_no_pin) {
  for (const char* other : {"serial 0011223344556677", "manufacturer Somebody"}) {
    BOOST_TEST_CONTEXT(other) {
      Open open(&no_pause);
      const TokenStatus first = open.signer->status();
      const auto logins = open.token.calls("C_Login");
      open.token.script(fmt::format("dead 0x30\n{}\n", other));
      for (int i = 0; i < 2; ++i) {
        const Error refused = refusal_of(open.sign());
        BOOST_TEST((refused.code == Code::hsm_unavailable));
        for (const std::string& word : {first.serial, first.manufacturer, std::string(std::strchr(other, ' ') + 1)})
          BOOST_TEST(contains(refused.message, word), refused.message);
        BOOST_TEST(open.token.calls("C_Login") == logins);
      }
      BOOST_TEST(contains(open.signer->status().problem, "restart"));
      open.token.script("");
      BOOST_TEST(signs(*open.signer, open.key));  // the first is back
    }
  }
}

BOOST_AUTO_TEST_CASE(a_second_token_of_the_label_does_not_hide_the_first) {
  Open open;
  const std::string serial = open.signer->status().serial;
  const auto made = test::run_command({"softhsm2-util", "--init-token", "--free", "--label", "hub", "--pin", "99999999",
                                       "--so-pin", open.token.token().so_pin()});
  BOOST_REQUIRE_MESSAGE(made.exit_code == 0, made.output);
  open.token.script("dead 0x32\n");
  BOOST_TEST(signs(*open.signer, open.key));
  BOOST_TEST(open.signer->status().serial == serial);
}

BOOST_AUTO_TEST_CASE(threads_that_lose_the_token_together_open_it_once_and_all_get_their_signatures) {
  Open open;
  const auto logins = open.token.calls("C_Login");
  open.token.script("dead 0x30\n");
  std::atomic<int> good{0};
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 8; ++thread) threads.emplace_back([&] { good += signs(*open.signer, open.key); });
  threads.clear();
  BOOST_TEST(good == 8);
  BOOST_TEST(open.signer->status().generation == 2U);
  BOOST_TEST(open.token.calls("C_Login") == logins + 1);
}

BOOST_AUTO_TEST_CASE(a_fault_while_the_token_is_opened_keeps_nobody_out_afterwards) {
  bool fault = false;
  Open open([&fault](TokenConfig& config) {
    no_pause(config);
    config.read_pin = [&fault, read_pin = config.read_pin] {
      if (fault) throw std::bad_alloc();
      return read_pin();
    };
  });
  open.token.script("dead 0x32\n");
  fault = true;
  BOOST_CHECK_THROW(open.sign(), std::bad_alloc);
  BOOST_TEST(!open.signer->status().ready);
  BOOST_TEST(contains(open.signer->status().problem, "the last attempt to open it was in vain"));
  fault = false;
  BOOST_TEST(signs(*open.signer, open.key));
  BOOST_TEST(open.signer->status().ready);
}

BOOST_AUTO_TEST_CASE(after_a_fault_while_the_token_is_opened_there_is_a_pause_as_after_a_refusal) {
  bool fault = false;
  Open open([&fault](TokenConfig& config) {
    config.read_pin = [&fault, read_pin = config.read_pin] {
      if (fault) throw std::bad_alloc();
      return read_pin();
    };
  });
  open.token.script("dead 0x32\n");
  fault = true;
  BOOST_CHECK_THROW(open.sign(), std::bad_alloc);
  const auto initialized = open.token.calls("C_Initialize");
  BOOST_TEST((refusal_of(open.sign()).code == Code::hsm_unavailable));
  BOOST_TEST(open.token.calls("C_Initialize") == initialized);
}

BOOST_AUTO_TEST_CASE(a_signature_that_does_not_verify_is_kept_back_and_its_key_quarantined) {
  Open open;
  const KeyInfo other = generate_ok(*open.signer, KeyType::ec_p256, "other");
  const auto closed = open.token.calls("C_CloseSession");
  open.token.script("flip C_Sign 1\n");
  BOOST_TEST((refusal_of(open.sign()).code == Code::hsm_unavailable));
  BOOST_TEST(open.token.calls("C_CloseSession") == closed + 1);
  BOOST_TEST((open.signer->find_key(open.key.id)->state == KeyState::quarantined));
  BOOST_TEST((refusal_of(open.sign()).code == Code::hsm_unavailable));
  BOOST_TEST(signs(*open.signer, other));
  // The token going and coming back does not forgive it.
  open.token.script("dead 0x32\n");
  BOOST_TEST(signs(*open.signer, other));
  BOOST_TEST(open.signer->status().generation == 2U);
  BOOST_TEST(contains(refusal_of(open.sign()).message, "quarantined"));
}

BOOST_AUTO_TEST_CASE(a_signature_whose_length_is_a_lie_is_kept_back) {
  for (const char* length : {"1", "-1", "100000", "-64"}) {
    BOOST_TEST_CONTEXT(length) {
      Open open;
      open.token.script(fmt::format("length C_Sign 1 {}\n", length));
      BOOST_TEST((refusal_of(open.sign()).code == Code::hsm_unavailable));
      BOOST_TEST((open.signer->find_key(open.key.id)->state == KeyState::quarantined));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hubseal::hsm
