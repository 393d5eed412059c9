#include "daemon/policy/policy.h"

#include <sys/stat.h>

#include <fstream>
#include <set>
#include <sstream>

#include <boost/test/unit_test.hpp>

#include "tests/support/must.h"
#include "tests/support/private_copy.h"
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

/// As an installation begins with it.
daemon::Policy shipped() {
  const test::TempDir folder;
  const PolicyFiles files{.policy_file = folder / "policy.toml", .profiles_dir = folder / "profiles"};
  test::copy_private("config/policy.toml", files.policy_file);
  test::copy_private("config/profiles", files.profiles_dir);
  return test::must(daemon::read_policy(files));
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

// docs/THREATS.md, "An operator who acts alone".
BOOST_AUTO_TEST_CASE(as_shipped_two_others_agree_to_what_is_for_good_or_opens_what_was_closed) {
  const std::set<std::string_view> two = {"change_approvers",  "destroy_key",    "import_ca", "install_ca",
                                          "off_board_subject", "resume_subject", "unseal"};
  const std::set<std::string_view> one = {"activate_key",        "confirm_backup", "deactivate_key",
                                          "release_certificate", "retire_ca",      "rotate_jws_key"};
  const daemon::Policy policy = shipped();
  for (const std::string_view operation : daemon::kApprovableOperations) {
    const auto wanted = two.contains(operation) ? 2U : one.contains(operation) ? 1U : 0U;
    BOOST_TEST(policy.approvals_needed.find(operation)->second == wanted, operation);
  }
  for (const auto& [name, profile] : policy.profiles.all()) BOOST_TEST(profile.approvals == 0U, name);
  BOOST_TEST((policy.approval_lifetime == std::chrono::days(3)));
  BOOST_TEST((policy.destroy_delay == std::chrono::days(7)));
}

BOOST_AUTO_TEST_CASE(as_shipped_a_rotation_comes_to_where_only_the_old_key_is_left_to_destroy) {
  using std::chrono::hours;
  const daemon::RotationPlan wanted{
      .activate = hours(48), .retire = hours(24), .destroy = hours(0), .overlap = hours(168)};
  BOOST_TEST((shipped().rotation == wanted));
}

BOOST_AUTO_TEST_CASE(without_hours_every_step_of_a_rotation_waits_for_people_and_verifiers_have_a_day) {
  const auto with = [](const std::string& table) { return read_with("[register]", table + "\n[register]"); };
  for (const char* table : {"", "[rotation]"}) BOOST_TEST((test::must(with(table)).rotation == daemon::RotationPlan{}));
  BOOST_TEST(daemon::RotationPlan{}.overlap.count() == 24);
  BOOST_TEST((test::must(with("[rotation]\nretire_hours = 5")).rotation.retire == std::chrono::hours(5)));
  for (const char* table : {"[rotation]\ndestroy_hours = 23", "[rotation]\nretire_hours = 8761",
                            "[rotation]\nactivate_hours = -1", "[rotation]\npublish_hours = 1"})
    BOOST_TEST((with(table).error().code == Code::bad_request), table);
}

BOOST_AUTO_TEST_CASE(as_shipped_the_register_is_closed_and_each_quota_has_a_bound) {
  const daemon::Policy policy = shipped();
  BOOST_TEST((policy.register_mode == daemon::RegisterMode::closed));
  const std::map<std::string_view, std::array<std::int64_t, 3>> wanted = {
      {"uid", {10000, 120000, 60}},   {"subject", {20, 20, 3600}}, {"key", {10000, 120000, 60}},
      {"keys_made", {20, 20, 86400}}, {"refusals", {300, 60, 60}}, {"ocsp", {1000, 600, 60}},
      {"ocsp_once", {120, 30, 60}}};
  for (const auto& [name, kind] : daemon::kPolicyQuotas) {
    const daemon::Quota& quota = policy.quotas[static_cast<std::size_t>(kind)];
    BOOST_TEST(!quota.unlimited, name);
    const std::array<std::int64_t, 3> found = {quota.burst, quota.refill, quota.refill_time.count()};
    BOOST_TEST(found == wanted.at(name), boost::test_tools::per_element());
  }
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
