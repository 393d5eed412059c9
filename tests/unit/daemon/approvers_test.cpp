#include "daemon/approvals/approvers.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/fake_clock.h"
#include "tests/support/must.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;
using namespace hubseal::daemon;

namespace {

struct Fixture {
  /// "added", or the code.
  std::string add(const ApproverRecord& approver) {
    const auto added = approvers.add(approver, policy, {.needed = 16}, Grant());
    return added ? "added" : std::string(to_string(added.error().code));
  }
  std::string remove(const std::string& name) {
    const ApproverRecord approver = test::must(approvers.find(name));
    const auto possible = approvers.check_removable(approver, policy);
    const auto removed = approvers.remove(approver, policy, {.needed = 16}, Grant());
    BOOST_TEST(possible.has_value() == removed.has_value());
    return removed ? "removed" : std::string(to_string(removed.error().code));
  }
  static ApproverRecord uid(const std::string& name, std::int64_t uid) {
    return {.name = name, .person = name, .kind = ApproverKind::uid, .uid = uid};
  }
  static ApproverRecord key(const std::string& name, const std::string& person, std::uint8_t key) {
    return {.name = name, .person = person, .kind = ApproverKind::key, .public_key = {key}};
  }

  test::FakeClock clock;
  test::TempDir folder;
  std::unique_ptr<Registry> registry = test::must(Registry::open(folder.path()));
  Approvers approvers{*registry, clock};
  Policy policy{.version = 1, .approvals_needed = {{"change_approvers", 2}, {"create_ca", 3}}};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(approvers, Fixture)

BOOST_AUTO_TEST_CASE(the_first_needs_nobody_and_the_next_all_who_are_there_until_there_are_enough) {
  const auto first = test::must(approvers.consent(policy));
  BOOST_TEST(first.needed == 0U);
  BOOST_TEST(first.bootstrap);
  for (const auto& [name, needed] : {std::pair{"alice", 1U}, std::pair{"bob", 2U}, std::pair{"carol", 2U}}) {
    add(uid(name, name[0]));
    const auto next = test::must(approvers.consent(policy));
    BOOST_TEST(next.needed == needed);
    BOOST_TEST(!next.bootstrap);
  }
}

BOOST_AUTO_TEST_CASE(where_policy_asks_for_nobody_that_is_no_bootstrap) {
  policy.approvals_needed["change_approvers"] = 0;
  BOOST_TEST(!test::must(approvers.consent(policy)).bootstrap);
  add(uid("alice", 1));
  BOOST_TEST(test::must(approvers.consent(policy)).needed == 0U);
}

BOOST_AUTO_TEST_CASE(two_first_approvers_at_the_same_moment_are_one) {
  const auto consent = test::must(approvers.consent(policy));
  BOOST_TEST(approvers.add(uid("alice", 1), policy, consent, Grant()).has_value());
  const auto second = approvers.add(uid("mallory", 2), policy, consent, Grant());
  BOOST_REQUIRE(!second.has_value());
  BOOST_TEST((second.error().code == Code::conflict));
  BOOST_TEST(test::must(approvers.list()).size() == 1U);
}

BOOST_AUTO_TEST_CASE(names_logins_and_keys_belong_to_one) {
  BOOST_TEST(add(uid("alice", 1001)) == "added");
  BOOST_TEST(add(key("alice-card", "alice", 1)) == "added");
  BOOST_TEST(add(uid("alice", 1002)) == "conflict");
  BOOST_TEST(add(uid("bob", 1001)) == "conflict");
  BOOST_TEST(add(key("bob-card", "bob", 1)) == "conflict");
  ApproverRecord borrowed = key("bob-card", "bob", 2);
  borrowed.uid = 1001;
  BOOST_TEST(add(borrowed) == "conflict");
  ApproverRecord own = key("alice-key", "ALICE", 3);
  own.uid = 1001;
  BOOST_TEST(add(own) == "added");
  ApproverRecord twice = uid("alice-2", 1001);
  twice.person = "alice";
  BOOST_TEST(add(twice) == "conflict");
}

BOOST_AUTO_TEST_CASE(as_many_stay_as_policy_asks_for_at_most) {
  for (const char* name : {"alice", "bob", "carol", "dora"}) add(uid(name, name[0]));
  add(key("dora-card", "dora", 1));
  BOOST_TEST(remove("alice") == "removed");
  BOOST_TEST(remove("bob") == "policy_denied");
  BOOST_TEST(remove("dora") == "removed");  // her card stays
  BOOST_TEST(remove("dora-card") == "policy_denied");
  BOOST_TEST(approvers.check_removable(test::must(approvers.find("dora-card")), policy).error().message ==
             "without \"dora-card\" 2 people could agree; policy asks for up to 3");
  policy.approvals_needed["create_ca"] = 2;
  BOOST_TEST(remove("dora-card") == "removed");
}

BOOST_AUTO_TEST_CASE(what_was_removed_can_be_added_again_and_is_another) {
  add(key("alice-card", "alice", 1));
  const std::int64_t before = test::must(approvers.find("alice-card")).row;
  policy.approvals_needed.clear();
  policy.approvals_needed["change_approvers"] = 0;
  BOOST_TEST(remove("alice-card") == "removed");
  BOOST_TEST((approvers.find("alice-card").error().code == Code::not_found));
  BOOST_TEST(add(key("alice-card", "alice", 1)) == "added");
  BOOST_TEST(test::must(approvers.find("alice-card")).row != before);
}

BOOST_AUTO_TEST_CASE(there_is_an_end_to_their_number) {
  for (int i = 0; i < 128; ++i) BOOST_TEST(add(uid("u" + std::to_string(i), i)) == "added");
  BOOST_TEST(add(uid("one-more", 999)) == "conflict");
}

BOOST_AUTO_TEST_SUITE_END()
