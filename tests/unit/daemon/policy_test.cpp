#include "daemon/policy/policy.h"

#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include <boost/test/unit_test.hpp>

#include "tests/support/must.h"
#include "tests/support/software_room.h"

using namespace hubseal;
using daemon::PolicyFiles;

namespace {

/// The rig's policy with one text replaced.
Result<daemon::Policy> read_with(const std::string& from, const std::string& to) {
  test::SoftwareRoom room;
  std::stringstream text;
  text << std::ifstream(room.policy_files().policy_file).rdbuf();
  std::string content = text.str();
  BOOST_REQUIRE(content.find(from) != std::string::npos);
  content.replace(content.find(from), from.size(), to);
  std::ofstream(room.policy_files().policy_file) << content;
  return daemon::read_policy(room.policy_files());
}

void refused(const std::string& from, const std::string& to, const std::string& word) {
  const auto policy = read_with(from, to);
  BOOST_REQUIRE(!policy.has_value());
  BOOST_TEST((policy.error().code == Code::bad_request));
  BOOST_TEST(policy.error().message.find("policy.toml") != std::string::npos);
  BOOST_TEST(policy.error().message.find(word) != std::string::npos, policy.error().message);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(policy)

BOOST_AUTO_TEST_CASE(says_how_many_must_agree_to_each_operation) {
  const daemon::Policy policy = test::must(read_with("create_ca = 0", "create_ca = 2"));
  BOOST_TEST(policy.approvals_needed.at("create_ca") == 2U);
  BOOST_TEST(policy.approvals_needed.at("create_key") == 0U);
  BOOST_TEST(policy.profiles.find("dfsp-client") != nullptr);
}

BOOST_AUTO_TEST_CASE(an_operation_that_is_left_out_is_refused) {
  refused("create_ca = 0", "", "\"approvals.needed.create_ca\" is missing");
}

BOOST_AUTO_TEST_CASE(a_misspelt_key_is_named_and_not_the_one_that_it_leaves_missing) {
  refused("create_ca = 0", "create_cas = 0",
          "\"approvals.needed.create_cas\" is not known here; did you mean \"create_ca\"?");
  refused("create_ca = 0", "fly = 1", "\"approvals.needed.fly\" is not known here");
  refused("expires_hours = 72", "expire_hour = 72", "did you mean \"expires_hours\"?");
  refused("[register]", "[registers]", "\"registers\" is not known here; did you mean \"register\"?");
}

BOOST_AUTO_TEST_CASE(unknown_keys_and_wild_numbers_are_refused) {
  refused("create_ca = 0", "create_ca = 0\nfly = 1", "fly");
  refused("create_ca = 0", "create_ca = 17", "create_ca");
  refused("expires_hours = 72", "expires_hours = 0", "expires_hours");
  refused("expires_hours = 72", "", "expires_hours");
}

BOOST_AUTO_TEST_CASE(a_file_that_others_may_change_is_refused) {
  test::SoftwareRoom room;
  BOOST_REQUIRE(::chmod(room.policy_files().policy_file.c_str(), 0666) == 0);
  BOOST_TEST(!daemon::read_policy(room.policy_files()).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
