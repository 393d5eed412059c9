#include "hsm/login.h"

#include <atomic>
#include <fstream>
#include <future>
#include <thread>

#include <fmt/format.h>

#include "hsm/init_token.h"
#include "tests/support/fake_token.h"
#include "tests/unit/hsm/raw_token.h"
#include "tests/unit/hsm/signer_checks.h"

namespace hubseal::hsm {
namespace {

using test::FakeToken;
using test::TestToken;

TokenConfig without_pause(TokenConfig config) {
  config.retry_first = config.retry_last = std::chrono::milliseconds(0);
  return config;
}

/// Whether these bytes are anywhere in this process's writable memory. `secret` is given with every
/// bit inverted, so that the search does not find itself.
[[maybe_unused]] bool in_memory(std::string_view inverted_secret) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char mode[5] = "";
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, mode) != 3 || std::string_view(mode, 2) != "rw")
      continue;
    const std::string_view memory(reinterpret_cast<const char*>(begin), end - begin);
    for (std::size_t i = 0; i + inverted_secret.size() <= memory.size(); ++i) {
      std::size_t same = 0;
      while (same < inverted_secret.size() && static_cast<char>(~memory[i + same]) == inverted_secret[same]) ++same;
      if (same == inverted_secret.size()) return true;
    }
  }
  return false;
}

BOOST_AUTO_TEST_SUITE(login)

BOOST_AUTO_TEST_CASE(a_wrong_pin_is_sent_once_at_start) {
  const FakeToken token;
  TokenConfig config = without_pause(token.config());
  config.read_pin = [] { return Result<SecretBytes>(SecretBytes::copy_of("000000")); };
  const Error refused = refusal_of(open_token(config));
  BOOST_TEST((refused.code == Code::hsm_unavailable));
  BOOST_TEST(contains(refused.message, "CKR_PIN_INCORRECT"), refused.message);
  BOOST_TEST(!contains(refused.message, "000000"));
  BOOST_TEST(token.calls("C_Login") == 1U);
}

BOOST_AUTO_TEST_CASE(a_pin_that_is_refused_after_a_reconnect_is_never_sent_again) {
  for (const char* code : {"0xa0", "0xa1", "0xa2", "0xa3", "0xa4"}) {
    BOOST_TEST_CONTEXT(code) {
      const FakeToken token;
      const auto signer = open_ok(without_pause(token.config()));
      const KeyInfo key = generate_ok(*signer, KeyType::ec_p256, "jws");
      const auto logins = token.calls("C_Login");
      token.script(fmt::format("dead 0x32\nfail C_Login 1 {}\n", code));
      for (int i = 0; i < 5; ++i) BOOST_TEST(contains(refusal_of(signer->prove_key(key.id)).message, "not sent again"));
      BOOST_TEST(token.calls("C_Login") == logins + 1);
      token.script("");
      BOOST_TEST(!signer->prove_key(key.id));  // not even when the token would take it
      BOOST_TEST(token.calls("C_Login") == logins + 1);
      BOOST_TEST(!signer->status().ready);
      BOOST_TEST(contains(signer->status().problem, "restart"));
    }
  }
}

BOOST_AUTO_TEST_CASE(any_answer_that_could_be_a_refusal_counts_as_one) {
  // Bad arguments, general error, function failed, device error, not logged in, another user, bad mutex,
  // cancelled half-way, a code that nobody knows, a vendor's own code.
  for (const char* code : {"0x7", "0x5", "0x6", "0x30", "0x101", "0x104", "0x1a0", "0x50", "0x7777", "0x80000001"}) {
    BOOST_TEST_CONTEXT(code) {
      const FakeToken token;
      const auto signer = open_ok(without_pause(token.config()));
      const KeyInfo key = generate_ok(*signer, KeyType::ec_p256, "jws");
      const auto logins = token.calls("C_Login");
      token.script(fmt::format("dead 0x32\nfail C_Login * {}\n", code));
      for (int i = 0; i < 5; ++i) {
        const Error refused = refusal_of(signer->prove_key(key.id));
        BOOST_TEST((refused.code == Code::hsm_unavailable));
        BOOST_TEST(contains(refused.message, "not sent again"), refused.message);
      }
      BOOST_TEST(token.calls("C_Login") == logins + 1);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_token_that_did_not_look_at_the_pin_is_asked_again) {
  // Removed, not present, slot gone, session closed, session void, not initialised, no memory here or there.
  for (const char* code : {"0x32", "0xe0", "0x3", "0xb0", "0xb3", "0x190", "0x2", "0x31"}) {
    BOOST_TEST_CONTEXT(code) {
      const FakeToken token;
      const auto signer = open_ok(without_pause(token.config()));
      const KeyInfo key = generate_ok(*signer, KeyType::ec_p256, "jws");
      token.script(fmt::format("dead 0x32\nfail C_Login 1 {}\n", code));
      BOOST_TEST(!contains(refusal_of(signer->prove_key(key.id)).message, "not sent again"));
      BOOST_TEST(signs(*signer, key));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_token_that_says_it_is_near_its_lock_is_not_tried) {
  const struct {
    const char* flag;
    std::string_view name;
  } cases[] = {
      {"0x10000", "CKF_USER_PIN_COUNT_LOW"}, {"0x20000", "CKF_USER_PIN_FINAL_TRY"}, {"0x40000", "CKF_USER_PIN_LOCKED"}};
  for (const auto& one : cases) {
    BOOST_TEST_CONTEXT(one.name) {
      const FakeToken token;
      token.script(fmt::format("flags {}\n", one.flag));
      TokenConfig config = token.config();
      bool pin_was_read = false;
      config.read_pin = [&] {
        pin_was_read = true;
        return Result<SecretBytes>(SecretBytes::copy_of("135790"));
      };
      const Error refused = refusal_of(open_token(config));
      BOOST_TEST((refused.code == Code::hsm_unavailable));
      BOOST_TEST(contains(refused.message, one.name), refused.message);
      BOOST_TEST(!pin_was_read);
      BOOST_TEST(token.calls("C_Login") == 0U);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_token_without_a_user_pin_is_refused_in_words_and_gets_none) {
  const FakeToken token;
  // The security officer's half of the work only.
  const auto made = test::run_command({"pkcs11-tool", "--module", token.token().module(), "--init-token",
                                       "--slot-index", "1", "--label", "bare", "--so-pin", token.token().so_pin()});
  BOOST_REQUIRE_MESSAGE(made.exit_code == 0, made.output);
  TokenConfig config = token.config();
  config.label = "bare";
  bool pin_was_read = false;
  config.read_pin = [&] {
    pin_was_read = true;
    return Result<SecretBytes>(SecretBytes::copy_of("135790"));
  };
  const Error refused = refusal_of(open_token(config));
  BOOST_TEST((refused.code == Code::hsm_unavailable));
  BOOST_TEST(refused.message == "login to token bare not tried: it has no user PIN yet");
  BOOST_TEST(!pin_was_read);
  BOOST_TEST(token.calls("C_Login") == 0U);
}

BOOST_AUTO_TEST_CASE(a_token_that_somebody_in_this_process_is_logged_in_to_is_used) {
  const FakeToken token;
  const RawToken somebody(token.token().config());
  const auto signer = open_ok(without_pause(token.config()));  // C_Login gives CKR_USER_ALREADY_LOGGED_IN
  BOOST_TEST(token.calls("C_Login") == 1U);
  BOOST_TEST(signer->status().ready);
  const KeyInfo key = generate_ok(*signer, KeyType::ec_p256, "jws");
  BOOST_TEST(signs(*signer, key));
}

BOOST_AUTO_TEST_CASE(a_token_near_its_lock_is_opened_again_once_the_operator_has_cleared_it) {
  const FakeToken token;
  const auto signer = open_ok(without_pause(token.config()));
  const KeyInfo key = generate_ok(*signer, KeyType::ec_p256, "jws");
  token.script("dead 0x32\nflags 0x20000\n");
  BOOST_TEST(contains(refusal_of(signer->prove_key(key.id)).message, "CKF_USER_PIN_FINAL_TRY"));
  token.script("");
  BOOST_TEST(signs(*signer, key));
}

BOOST_AUTO_TEST_CASE(a_pin_that_cannot_be_read_says_why) {
  const FakeToken token;
  TokenConfig config = token.config();
  config.read_pin = [] { return Result<SecretBytes>(fail(Code::not_found, "no file pin")); };
  BOOST_TEST(refusal_of(open_token(config)).message == "no file pin");
  BOOST_TEST(token.calls("C_Login") == 0U);
}

BOOST_AUTO_TEST_CASE(nobody_hangs_behind_a_login_that_takes_long) {
  const FakeToken token;
  TokenConfig config = without_pause(token.config());
  config.deadline = std::chrono::milliseconds(50);
  std::atomic<bool> slow{false};
  std::promise<void> begun;
  std::promise<void> may_end;
  config.read_pin = [&, read_pin = config.read_pin] {
    if (slow.exchange(false)) {
      begun.set_value();
      may_end.get_future().wait();
    }
    return read_pin();
  };
  const auto signer = open_ok(config);
  const KeyInfo key = generate_ok(*signer, KeyType::ec_p256, "jws");
  token.script("dead 0x32\n");
  slow = true;
  std::atomic<bool> signed_by_first{false};
  std::jthread first([&] { signed_by_first = signs(*signer, key); });
  begun.get_future().wait();
  BOOST_TEST(!signer->status().ready);
  BOOST_TEST(contains(refusal_of(signer->prove_key(key.id)).message, "in time"));
  may_end.set_value();
  first.join();
  BOOST_TEST(signed_by_first);
  BOOST_TEST(signer->status().ready);
}

// The sanitizers keep shadow copies of freed memory, and reading their own regions is a fault.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
BOOST_AUTO_TEST_CASE(the_pin_is_not_in_memory_after_the_login) {
  const TestToken token;
  // Random digits, inverted, so that no constant of this program is the PIN.
  std::string inverted(12, '\0');
  Bytes random(inverted.size());
  std::ifstream("/dev/urandom").read(reinterpret_cast<char*>(random.data()), 12);
  for (std::size_t i = 0; i < random.size(); ++i) inverted[i] = static_cast<char>(~('0' + random[i] % 10));
  const auto pin = [inverted] {
    SecretBytes secret(inverted.size());
    for (std::size_t i = 0; i < inverted.size(); ++i) secret.bytes()[i] = static_cast<std::uint8_t>(~inverted[i]);
    return secret;
  };
  {
    const SecretBytes secret = pin();
    BOOST_REQUIRE(init_token(token.module(), "random", SecretBytes::copy_of(token.so_pin()), secret));
    BOOST_REQUIRE(in_memory(inverted));  // the search can find it
  }
  TokenConfig config = token.config();
  config.label = "random";
  config.read_pin = [&] { return Result<SecretBytes>(pin()); };
  const auto signer = open_ok(config);
  BOOST_TEST(!in_memory(inverted));
}
#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hubseal::hsm
