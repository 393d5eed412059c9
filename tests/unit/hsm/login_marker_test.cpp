#include "hsm/login_marker.h"

#include <sys/stat.h>

#include <fmt/format.h>

#include "tests/support/fake_token.h"
#include "tests/unit/hsm/signer_checks.h"

namespace hubseal::hsm {
namespace {

using test::FakeToken;

/// A token, and the folder that one process after the other is given. Each open_token is such a process.
struct Restarts {
  FakeToken token;
  test::TempDir state;
  std::string pin_name = "PIN file /p, first";

  TokenConfig config() {
    TokenConfig config = token.config();
    config.retry_first = config.retry_last = std::chrono::milliseconds(0);
    config.marker_folder = state.path();
    config.name_pin = [this] { return Result<std::string>(pin_name); };
    return config;
  }
  /// All that is in the folder.
  std::vector<std::filesystem::path> markers() const {
    return {std::filesystem::directory_iterator(state.path()), std::filesystem::directory_iterator()};
  }
  std::filesystem::path marker() const {
    BOOST_REQUIRE_EQUAL(markers().size(), 1U);
    return markers().front();
  }
  /// One process is refused, and leaves its marker.
  void refuse_one() {
    token.script("fail C_Login 1 0xa0\n");
    BOOST_REQUIRE(!open_token(config()));
    token.script("");
  }
};

BOOST_FIXTURE_TEST_SUITE(login_marker, Restarts)

BOOST_AUTO_TEST_CASE(a_refused_pin_is_not_sent_again_by_the_next_process) {
  for (const char* code : {"0xa0", "0x5", "0x80000001"}) {
    BOOST_TEST_CONTEXT(code) {
      const auto logins = token.calls("C_Login");
      token.script(fmt::format("fail C_Login 1 {}\n", code));
      const Error first = refusal_of(open_token(config()));
      BOOST_TEST(contains(first.message, "not sent again"), first.message);
      BOOST_TEST(contains(first.message, marker().string()), first.message);
      token.script("");
      for (int restart = 0; restart < 3; ++restart) {
        const Error again = refusal_of(open_token(config()));
        BOOST_TEST((again.code == Code::hsm_unavailable));
        BOOST_TEST(contains(again.message, "PIN file /p, first"), again.message);
        BOOST_TEST(contains(again.message, "remove " + marker().string()), again.message);
      }
      BOOST_TEST(token.calls("C_Login") == logins + 1);
      std::filesystem::remove(marker());
    }
  }
}

BOOST_AUTO_TEST_CASE(another_pin_is_sent_and_leaves_no_marker) {
  refuse_one();
  pin_name = "PIN file /p, second";
  BOOST_TEST(open_token(config()).has_value());
  BOOST_TEST(markers().empty());
}

BOOST_AUTO_TEST_CASE(the_same_pin_is_sent_once_the_operator_has_removed_the_marker) {
  refuse_one();
  std::filesystem::remove(marker());
  BOOST_TEST(open_token(config()).has_value());
  BOOST_TEST(markers().empty());
}

BOOST_AUTO_TEST_CASE(a_marker_says_who_the_token_is_and_what_the_pin_is_called_to_nobody_but_us) {
  refuse_one();
  struct stat info {};
  BOOST_REQUIRE(::stat(marker().c_str(), &info) == 0);
  BOOST_TEST((info.st_mode & 07777) == 0600U);
  const std::string serial = marker().filename().string().substr(std::string("pin-sent-").size());
  BOOST_TEST(*read_file(marker(), 4096, Trust::config) ==
             "token serial " + serial + " of SoftHSM project\nPIN file /p, first\n");
  pin_name = "PIN file /p, second";
  BOOST_TEST(open_ok(config())->status().serial == serial);
}

BOOST_AUTO_TEST_CASE(a_login_that_succeeds_leaves_no_marker_at_start_and_after_a_loss) {
  const auto signer = open_ok(config());
  BOOST_TEST(markers().empty());
  const KeyInfo key = generate_ok(*signer, KeyType::ec_p256, "jws");
  token.script("dead 0x32\n");
  BOOST_TEST(signs(*signer, key));
  BOOST_TEST(markers().empty());
  token.script("dead 0x32\nfail C_Login 1 0x6\n");
  BOOST_TEST(!signs(*signer, key));
  BOOST_TEST(contains(signer->status().problem, marker().string()));
}

BOOST_AUTO_TEST_CASE(a_pin_that_was_not_tested_leaves_no_marker) {
  for (const char* code : {"0x32", "0xe0", "0xb3", "0x2", "0x100"}) {
    BOOST_TEST_CONTEXT(code) {  // the last: somebody was logged in already, which is a success
      token.script(fmt::format("fail C_Login 1 {}\n", code));
      (void)open_token(config());
      BOOST_TEST(markers().empty());
    }
  }
  const auto logins = token.calls("C_Login");
  TokenConfig unreadable = config();
  unreadable.read_pin = [] { return Result<SecretBytes>(fail(Code::not_found, "no file pin")); };
  BOOST_TEST(refusal_of(open_token(unreadable)).message == "no file pin");
  unreadable.read_pin = []() -> Result<SecretBytes> { throw std::bad_alloc(); };
  BOOST_CHECK_THROW((void)open_token(unreadable), std::bad_alloc);
  unreadable = config();
  unreadable.name_pin = [] { return Result<std::string>(fail(Code::not_found, "no file to name")); };
  BOOST_TEST(refusal_of(open_token(unreadable)).message == "no file to name");
  BOOST_TEST(token.calls("C_Login") == logins);
  BOOST_TEST(markers().empty());
}

BOOST_AUTO_TEST_CASE(without_a_durable_marker_no_pin_is_sent) {
  TokenConfig elsewhere = config();
  elsewhere.marker_folder = state / "missing";
  const Error refused = refusal_of(open_token(elsewhere));
  BOOST_TEST((refused.code == Code::hsm_unavailable));
  BOOST_TEST(contains(refused.message, "missing"), refused.message);
  BOOST_TEST(token.calls("C_Login") == 0U);
}

BOOST_AUTO_TEST_CASE(a_marker_that_cannot_be_read_counts) {
  refuse_one();
  const auto path = marker();
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  pin_name = "PIN file /p, second";
  BOOST_TEST(contains(refusal_of(open_token(config())).message, path.string()));
  BOOST_TEST(token.calls("C_Login") == 1U);
}

BOOST_AUTO_TEST_CASE(a_pin_that_is_exchanged_while_it_is_read_is_not_sent) {
  TokenConfig racing = config();
  racing.read_pin = [this, read_pin = racing.read_pin] {
    pin_name += "+";
    return read_pin();
  };
  BOOST_TEST(contains(refusal_of(open_token(racing)).message, "exchanged"));
  BOOST_TEST(token.calls("C_Login") == 0U);
  BOOST_TEST(markers().empty());
}

BOOST_AUTO_TEST_CASE(each_token_has_a_marker_of_its_own) {
  refuse_one();
  const auto first = marker();
  token.script("serial 00/..\n");
  BOOST_TEST(open_token(config()).has_value());
  BOOST_TEST(marker() == first);
  token.script("serial 00/..\nfail C_Login 1 0xa0\n");
  BOOST_TEST(!open_token(config()));
  BOOST_TEST(markers().size() == 2U);
  BOOST_TEST(std::filesystem::exists(state / "pin-sent-00___"));
}

BOOST_AUTO_TEST_CASE(a_folder_for_markers_without_a_name_for_the_pin_is_a_bad_request) {
  TokenConfig half = config();
  half.name_pin = nullptr;
  BOOST_TEST((refusal_of(open_token(half)).code == Code::bad_request));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hubseal::hsm
