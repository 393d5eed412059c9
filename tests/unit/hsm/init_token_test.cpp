#include "hsm/init_token.h"

#include "hsm/module.h"
#include "tests/support/fake_token.h"
#include "tests/unit/hsm/signer_checks.h"

namespace hubseal::hsm {
namespace {

using test::FakeToken;
using test::TestToken;

Result<> initialise(const std::filesystem::path& module, std::string_view label) {
  return init_token(module, label, SecretBytes::copy_of("24681012"), SecretBytes::copy_of("135790"));
}

BOOST_AUTO_TEST_SUITE(initialising_a_token)

BOOST_AUTO_TEST_CASE(pkcs11_tool_sees_the_token_and_both_pins_work) {
  const TestToken token("fresh");
  const auto listing = test::run_command({"pkcs11-tool", "--module", token.module(), "--list-token-slots"});
  BOOST_TEST(contains(listing.output, "token label        : fresh"), listing.output);
  BOOST_TEST(contains(listing.output, "PIN initialized"), listing.output);
  const std::vector<std::string> tool = {"pkcs11-tool",   "--module", token.module(),
                                         "--token-label", "fresh",    "--login"};
  auto as_user = tool;
  as_user.insert(as_user.end(), {"--pin", token.pin(), "--list-objects"});
  BOOST_TEST(test::run_command(as_user).exit_code == 0);
  auto as_officer = tool;
  as_officer.insert(as_officer.end(),
                    {"--login-type", "so", "--so-pin", token.so_pin(), "--init-pin", "--new-pin", token.pin()});
  BOOST_TEST(test::run_command(as_officer).exit_code == 0);
}

BOOST_AUTO_TEST_CASE(the_label_is_padded_with_blanks_as_pkcs11_wants_it) {
  const TestToken token("short");
  const auto module = Module::initialize(token.module());
  const Token found = *find_token(**module, token.config());
  CK_TOKEN_INFO info{};
  BOOST_REQUIRE((*module)->functions()->C_GetTokenInfo(found.slot, &info) == CKR_OK);
  BOOST_TEST(as_text(info.label) == "short" + std::string(27, ' '));
}

BOOST_AUTO_TEST_CASE(a_label_that_a_token_has_is_a_conflict_and_its_keys_stay) {
  const TestToken token("hub");
  generate_ok(*open_ok(token.config()), KeyType::ec_p256, "jws");
  BOOST_TEST((refusal_of(initialise(token.module(), "hub")).code == Code::conflict));
  BOOST_TEST(open_ok(token.config())->list_keys()->size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_second_token_leaves_the_first_alone) {
  const TestToken token("hub");
  generate_ok(*open_ok(token.config()), KeyType::ec_p256, "jws");
  BOOST_TEST(initialise(token.module(), "spare").has_value());
  BOOST_TEST(open_ok(token.config())->list_keys()->size() == 1U);
}

BOOST_AUTO_TEST_CASE(without_a_fresh_token_nothing_is_initialised) {
  const FakeToken token;
  token.script("flags 0x400\n");  // CKF_TOKEN_INITIALIZED, on SoftHSM's free slot as well
  const Error refused = refusal_of(initialise(token.module(), "another"));
  BOOST_TEST((refused.code == Code::not_found));
  BOOST_TEST(contains(refused.message, "no uninitialised token; found "), refused.message);
}

BOOST_AUTO_TEST_CASE(labels_that_a_token_cannot_hold_are_a_bad_request) {
  const TestToken token;
  for (const std::string& label : {std::string(), std::string(33, 'x'), std::string("blank "), std::string("n\0l", 3)})
    BOOST_TEST((refusal_of(initialise(token.module(), label)).code == Code::bad_request));
}

BOOST_AUTO_TEST_CASE(a_pin_that_the_token_does_not_take_is_said) {
  const TestToken token;
  const auto refused = init_token(token.module(), "short", SecretBytes::copy_of("24681012"), SecretBytes::copy_of("1"));
  BOOST_TEST(contains(refusal_of(refused).message, "CKR_PIN_LEN_RANGE"), refused.error().message);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hubseal::hsm
