#include <string>

#include <fmt/format.h>

#include "tests/support/fake_token.h"
#include "tests/unit/hsm/signer_checks.h"

namespace hubseal::hsm {
namespace {

using test::FakeToken;
using test::TestToken;

BOOST_AUTO_TEST_SUITE(opening_a_token)

BOOST_AUTO_TEST_CASE(a_token_that_is_not_there_is_named_beside_those_that_are) {
  const TestToken token("present");
  TokenConfig config = token.config();
  config.label = "wanted";
  const Error refused = refusal_of(open_token(config));
  BOOST_TEST((refused.code == Code::hsm_unavailable));
  BOOST_TEST(contains(refused.message, "wanted the token labelled wanted; found present (serial "), refused.message);
}

BOOST_AUTO_TEST_CASE(two_tokens_of_one_label_are_refused_unless_the_serial_is_given) {
  const TestToken token("hub");
  const auto made = test::run_command(
      {"softhsm2-util", "--init-token", "--free", "--label", "hub", "--pin", token.pin(), "--so-pin", token.so_pin()});
  BOOST_REQUIRE_EQUAL(made.exit_code, 0);
  BOOST_TEST(contains(refusal_of(open_token(token.config())).message, "name it by serial"));
}

BOOST_AUTO_TEST_CASE(a_token_is_found_by_its_serial) {
  const TestToken token;
  const std::string serial = open_ok(token.config())->status().serial;
  TokenConfig config = token.config();
  config.label.reset();
  config.serial = serial;
  const TokenStatus status = open_ok(config)->status();
  BOOST_TEST(status.ready);
  BOOST_TEST(status.problem.empty());
  BOOST_TEST(status.label == "hub");
  BOOST_TEST(status.manufacturer == "SoftHSM project");
  BOOST_TEST(status.module == token.module().string());
}

BOOST_AUTO_TEST_CASE(label_and_serial_together_or_neither_are_a_bad_request) {
  const TestToken token;
  TokenConfig config = token.config();
  config.serial = "1";
  BOOST_TEST((refusal_of(open_token(config)).code == Code::bad_request));
  config.label.reset();
  config.serial.reset();
  BOOST_TEST((refusal_of(open_token(config)).code == Code::bad_request));
}

BOOST_AUTO_TEST_CASE(a_module_that_is_not_one_is_refused_in_words) {
  const TestToken token;
  TokenConfig config = token.config();
  config.module = "/does/not/exist.so";
  BOOST_TEST(contains(refusal_of(open_token(config)).message, "cannot be loaded"));
  config.module = "libsofthsm2.so";
  BOOST_TEST((refusal_of(open_token(config)).code == Code::bad_request));
  config.module = "/usr/lib/x86_64-linux-gnu/libcrypto.so.3";
  if (std::filesystem::exists(config.module))
    BOOST_TEST(contains(refusal_of(open_token(config)).message, "is not a PKCS#11 module"));
}

BOOST_AUTO_TEST_CASE(more_sessions_than_anybody_needs_are_refused_before_the_token_is_touched) {
  const FakeToken token;
  TokenConfig config = token.config();
  config.sessions = 1025;
  const Error refused = refusal_of(open_token(config));
  BOOST_TEST((refused.code == Code::bad_request));
  BOOST_TEST(refused.message == "1025 sessions; wanted at most 1024");
  BOOST_TEST(token.calls("C_Initialize") == 0U);
}

BOOST_AUTO_TEST_CASE(a_module_that_does_not_initialise_says_why) {
  const FakeToken token;
  token.script("fail C_Initialize 1 0x30\n");
  BOOST_TEST(contains(refusal_of(open_token(token.config())).message, "CKR_DEVICE_ERROR"));
  BOOST_TEST(open_token(token.config()).has_value());
}

BOOST_AUTO_TEST_CASE(mechanisms_without_number_are_not_believed) {
  const FakeToken token;
  for (const char* count : {"4097", "-1"}) {
    token.script(fmt::format("claim C_GetMechanismList 1 {}\n", count));
    const Error refused = refusal_of(open_token(token.config()));
    BOOST_TEST((refused.code == Code::hsm_unavailable));
    BOOST_TEST(contains(refused.message, fmt::format("claims {} mechanisms", std::stoul(count))), refused.message);
  }
  token.script("claim C_GetMechanismList 1 4096\n");
  BOOST_TEST(open_token(token.config()).has_value());
}

BOOST_AUTO_TEST_CASE(more_mechanisms_than_there_was_room_for_are_those_that_there_was_room_for) {
  const FakeToken token;
  token.script("claim C_GetMechanismList 2 -1\n");
  const auto signer = open_ok(token.config());
  BOOST_TEST(signs(*signer, generate_ok(*signer, KeyType::ec_p256, "jws")));
}

// More in the second answer than in the first is not among these: libp11 0.4.12 reads past its memory then.
BOOST_AUTO_TEST_CASE(a_number_of_slots_that_is_a_lie_is_an_error_or_does_no_harm) {
  const FakeToken token;
  for (const char* lie : {"1 0", "1 1", "1 65537", "1 -1", "2 0"}) {
    token.script(fmt::format("claim C_GetSlotList {}\n", lie));
    const Error refused = refusal_of(open_token(token.config()));
    BOOST_TEST(contains(refused.message, "C_GetSlotList"), refused.message);
  }
  for (const char* lie : {"1 65536", "2 1"}) {
    token.script(fmt::format("claim C_GetSlotList {}\n", lie));
    const auto signer = open_ok(token.config());
    BOOST_TEST(signs(*signer, generate_ok(*signer, KeyType::ec_p256, lie)));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hubseal::hsm
