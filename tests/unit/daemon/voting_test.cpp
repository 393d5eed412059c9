#include "daemon/approvals/voting.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "daemon/approvals/approvals.h"
#include "daemon/approvals/approvers.h"
#include "tests/support/fake_clock.h"
#include "tests/support/must.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;
using namespace hubseal::daemon;
using namespace std::chrono_literals;

namespace {

/// Approvers alice and bob by uid, alice by a card as well, carol by a key; policy asks for two.
struct Fixture {
  Fixture() {
    add({.name = "alice", .person = "alice", .kind = ApproverKind::uid, .uid = 1001});
    add({.name = "alice-card", .person = "Alice", .kind = ApproverKind::key, .public_key = {1}});
    add({.name = "bob", .person = "bob", .kind = ApproverKind::uid, .uid = 1002});
    add({.name = "carol-key", .person = "carol", .kind = ApproverKind::key, .public_key = {2}});
    id = ask();
  }

  void add(const ApproverRecord& approver) { test::must(approvers.add(approver, policy, {.needed = 16}, Grant())); }
  void remove(const std::string& name) {
    test::must(approvers.remove(test::must(approvers.find(name)), policy, {.needed = 16}, Grant()));
  }

  /// The approval that waits, or "granted", or the code.
  std::string ask() {
    const auto grant = approvals.authorize(requester, policy, 2, action, added);
    if (grant) return "granted";
    return grant.error().approval.empty() ? std::string(to_string(grant.error().code)) : grant.error().approval;
  }

  /// The state it is in then, or the code.
  std::string vote(const std::string& approver, Decision decision = Decision::approve,
                   std::optional<std::uint32_t> sign_count = std::nullopt) {
    const auto known = approvers.find(approver);
    if (!known) return std::string(to_string(known.error().code));
    const Vote cast{.approval = test::must(approvals.find(id)).id,
                    .approver = known->row,
                    .decision = decision,
                    .statement_hash = {7},
                    .proof = {},
                    .sign_count = sign_count};
    const auto counted = approvals.vote(policy, cast);
    return std::string(counted ? to_string(counted->state) : to_string(counted.error().code));
  }

  std::string state() { return std::string(to_string(test::must(approvals.find(id)).state)); }

  test::FakeClock clock;
  test::TempDir folder;
  std::unique_ptr<Registry> registry = test::must(Registry::open(folder.path()));
  Approvals approvals{*registry, clock};
  Approvers approvers{*registry, clock};
  Policy policy{.version = 3, .approvals_needed = {{"change_approvers", 2}}, .approval_lifetime = 72h};
  Requester requester{.peer = "agent", .uid = 997};
  Action action{.operation = "issue_certificate", .about = "bank1", .content = {{"subject", "bank1"}}};
  std::string id;
  const Approvals::Record added = [](const ApprovalRecord&) { return Result<>(); };
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(voting, Fixture)

BOOST_AUTO_TEST_CASE(two_people_of_two_make_an_approval_that_is_used_once) {
  BOOST_TEST(vote("alice") == "pending");
  BOOST_TEST(ask() == id);
  BOOST_TEST(vote("bob") == "approved");
  const Grant grant = test::must(approvals.authorize(requester, policy, 2, action, added));
  BOOST_TEST(registry->write([&](Database& database) { return grant.use(database); }).has_value());
  BOOST_TEST(state() == "used");
  BOOST_TEST(vote("carol-key") == "conflict");
  BOOST_TEST(vote("carol-key", Decision::reject) == "conflict");
}

BOOST_AUTO_TEST_CASE(a_person_counts_once_by_the_same_and_by_another_approver) {
  BOOST_TEST(vote("alice") == "pending");
  BOOST_TEST(vote("alice") == "conflict");
  BOOST_TEST(vote("alice-card") == "conflict");
  BOOST_TEST(test::must(approvals.find(id)).agreed == 1U);
}

BOOST_AUTO_TEST_CASE(who_asked_does_not_agree_not_even_with_another_approver) {
  requester = {.peer = "security-team", .uid = 1001};
  id = ask();
  BOOST_TEST(vote("alice") == "forbidden");
  BOOST_TEST(vote("alice-card") == "forbidden");
  BOOST_TEST(vote("bob") == "pending");
}

BOOST_AUTO_TEST_CASE(a_login_that_was_taken_away_is_still_who_asked) {
  requester = {.peer = "security-team", .uid = 1001};
  id = ask();
  remove("alice");
  BOOST_TEST(vote("alice-card") == "forbidden");
}

BOOST_AUTO_TEST_CASE(a_key_with_its_owners_login_does_not_agree_to_what_that_login_asked) {
  add({.name = "dora-key", .person = "dora", .kind = ApproverKind::key, .uid = 1004, .public_key = {4}});
  requester.uid = 1004;
  id = ask();
  BOOST_TEST(vote("dora-key") == "forbidden");
}

BOOST_AUTO_TEST_CASE(who_asked_may_withdraw_it) {
  requester = {.peer = "security-team", .uid = 1001};
  id = ask();
  BOOST_TEST(vote("alice", Decision::reject) == "rejected");
}

BOOST_AUTO_TEST_CASE(one_rejection_rejects_for_good) {
  BOOST_TEST(vote("alice") == "pending");
  BOOST_TEST(vote("carol-key", Decision::reject) == "rejected");
  BOOST_TEST(vote("bob") == "conflict");
  BOOST_TEST(ask() == "policy_denied");
  clock.time += 72h;
  const std::string later = ask();
  BOOST_TEST(later == "a-2");
}

BOOST_AUTO_TEST_CASE(what_is_approved_can_be_rejected_until_it_is_used) {
  vote("alice");
  BOOST_TEST(vote("bob") == "approved");
  BOOST_TEST(vote("carol-key") == "conflict");
  BOOST_TEST(vote("alice", Decision::reject) == "rejected");
  BOOST_TEST(ask() == "policy_denied");
}

BOOST_AUTO_TEST_CASE(a_removed_approver_neither_votes_nor_counts) {
  vote("alice");
  BOOST_TEST(vote("bob") == "approved");
  const Grant early = test::must(approvals.authorize(requester, policy, 2, action, added));
  remove("bob");
  BOOST_TEST(state() == "pending");
  BOOST_TEST(test::must(approvals.find(id)).agreed == 1U);
  BOOST_TEST(!test::must(approvals.votes(test::must(approvals.find(id)))).back().counts);
  BOOST_TEST((registry->write([&](Database& database) { return early.use(database); }).error().code == Code::conflict));
  BOOST_TEST(vote("bob") == "not_found");
  BOOST_TEST(vote("carol-key") == "approved");
}

BOOST_AUTO_TEST_CASE(an_approver_removed_between_signature_and_count_is_refused) {
  const ApproverRecord bob = test::must(approvers.find("bob"));
  remove("bob");
  const auto counted = approvals.vote(policy, {.approval = 1, .approver = bob.row, .statement_hash = {7}});
  BOOST_TEST((counted.error().code == Code::not_found));
}

BOOST_AUTO_TEST_CASE(another_policy_means_asking_again) {
  vote("alice");
  policy.version = 4;
  BOOST_TEST(vote("bob") == "conflict");
  BOOST_TEST(ask() == "a-2");
}

BOOST_AUTO_TEST_CASE(another_number_means_asking_again) {
  vote("alice");
  BOOST_TEST(approvals.authorize(requester, policy, 1, action, added).error().approval == "a-2");
}

BOOST_AUTO_TEST_CASE(what_has_expired_is_not_voted_on_and_is_written_down_once) {
  vote("alice");
  clock.time += 72h;
  BOOST_TEST(state() == "expired");
  BOOST_TEST(vote("bob") == "conflict");
  BOOST_TEST(vote("bob", Decision::reject) == "conflict");
  int recorded = 0;
  const auto refuse = [&](const ApprovalRecord&) { return Result<>(fail(Code::storage_unavailable, "full")); };
  const auto count = [&](const ApprovalRecord& approval) {
    BOOST_TEST(approval_id(approval) == id);
    return Result<>(++recorded ? Result<>() : Result<>());
  };
  BOOST_TEST(!approvals.expire(refuse).has_value());
  BOOST_TEST(approvals.expire(count).has_value());
  BOOST_TEST(approvals.expire(count).has_value());
  BOOST_TEST(recorded == 1);
  clock.time -= 1h;  // a clock set back makes nothing of it again
  BOOST_TEST(state() == "expired");
}

BOOST_AUTO_TEST_CASE(a_counter_grows_or_is_always_zero) {
  add({.name = "eve-key", .person = "eve", .kind = ApproverKind::webauthn, .public_key = {5}});
  BOOST_TEST(vote("eve-key", Decision::approve, 0) == "pending");
  action.about = "bank2";
  action.content = {{"subject", "bank2"}};
  id = ask();
  BOOST_TEST(vote("eve-key", Decision::approve, 9) == "pending");
  for (const char* bank : {"bank3", "bank4"}) {
    action.about = bank;
    action.content = {{"subject", bank}};
    id = ask();
    BOOST_TEST(vote("eve-key", Decision::approve, 9) == "conflict");
    BOOST_TEST(vote("eve-key", Decision::approve, 0) == "conflict");
  }
  BOOST_TEST(vote("eve-key", Decision::approve, 10) == "pending");
}

BOOST_AUTO_TEST_CASE(what_was_withdrawn_with_an_approver_does_not_come_back_with_it) {
  BOOST_TEST(vote("carol-key") == "pending");
  remove("carol-key");
  BOOST_TEST(test::must(approvals.find(id)).agreed == 0U);
  add({.name = "carol-again", .person = "carol", .kind = ApproverKind::key, .public_key = {2}});
  BOOST_TEST(vote("carol-again") == "conflict");
  remove("carol-again");
  add({.name = "dora-key", .person = "dora", .kind = ApproverKind::key, .public_key = {2}});
  BOOST_TEST(vote("dora-key") == "conflict");
  BOOST_TEST(test::must(approvals.find(id)).agreed == 0U);
  // Another key of the same person signs anew, and the old one says no.
  add({.name = "carol-new", .person = "carol", .kind = ApproverKind::key, .public_key = {3}});
  BOOST_TEST(vote("carol-new") == "pending");
  BOOST_TEST(test::must(approvals.find(id)).agreed == 1U);
  BOOST_TEST(vote("dora-key", Decision::reject) == "rejected");
}

BOOST_AUTO_TEST_CASE(a_counter_outlives_the_removal_of_its_approver) {
  const ApproverRecord key{.name = "eve-key", .person = "eve", .kind = ApproverKind::webauthn, .public_key = {5}};
  add(key);
  BOOST_TEST(vote("eve-key", Decision::approve, 9) == "pending");
  remove("eve-key");
  add(key);
  action.content = {{"subject", "bank2"}};
  id = ask();
  BOOST_TEST(vote("eve-key", Decision::approve, 9) == "conflict");
  BOOST_TEST(vote("eve-key", Decision::approve, 10) == "pending");
}

BOOST_AUTO_TEST_CASE(votes_survive_a_restart) {
  vote("alice");
  registry.reset();
  registry = test::must(Registry::open(folder.path()));
  Approvals after(*registry, clock);
  BOOST_TEST(test::must(after.find(id)).agreed == 1U);
}

BOOST_AUTO_TEST_CASE(an_id_has_one_spelling) {
  for (const char* wrong : {"a-01", "a-", "a-x", "1", "a-1 ", "a-+1", "a--1", "a-99", "a-99999999999999999999"})
    BOOST_TEST((approvals.find(wrong).error().code == Code::not_found), wrong);
  BOOST_TEST(approvals.find("a-1").has_value());
}

BOOST_AUTO_TEST_CASE(the_queue_of_a_program_has_an_end) {
  for (int i = 1; i < 1000; ++i) {
    action.content = {{"subject", i}};
    ask();
  }
  action.content = {{"subject", "one too many"}};
  BOOST_TEST(ask() == "rate_limited");
  requester.peer = "security-team";
  BOOST_TEST(ask() == "a-1001");
}

BOOST_AUTO_TEST_CASE(a_person_has_fewer_places_and_fills_only_its_own) {
  requester = {.peer = "security-team", .uid = 1001, .person = true};
  for (int i = 0; i < 50; ++i) {
    action.content = {{"subject", i}};
    BOOST_REQUIRE(ask().starts_with("a-"));
  }
  action.content = {{"subject", "one too many"}};
  BOOST_TEST(ask() == "rate_limited");
  requester.uid = 1002;
  BOOST_TEST(ask() == "a-52");
}

BOOST_AUTO_TEST_CASE(what_is_urgent_has_places_of_its_own) {
  requester = {.peer = "security-team", .uid = 1001, .person = true};
  const auto flood = [&](const char* operation) {
    action.operation = operation;
    std::string last = "a-";
    for (int i = 0; i < 1001 && last.starts_with("a-"); ++i) {
      action.content = {{"subject", i}};
      last = ask();
    }
    return last;
  };
  BOOST_TEST(flood("set_subject") == "rate_limited");
  BOOST_TEST(flood("change_approvers") == "rate_limited");  // their places end as well
  for (const char* operation : {"unseal", "revoke_certificate", "suspend_subject", "suspend_key", "deactivate_key"}) {
    action.operation = operation;
    BOOST_TEST(ask().starts_with("a-"), operation);
  }
  requester.uid = 1002;
  action.operation = "change_approvers";
  BOOST_TEST(ask().starts_with("a-"));
}

BOOST_AUTO_TEST_CASE(urgent_requests_take_no_place_of_the_others) {
  requester = {.peer = "security-team", .uid = 1001, .person = true};
  action.operation = "revoke_certificate";
  for (int i = 0; i < 60; ++i) {
    action.content = {{"serial", i}};
    BOOST_REQUIRE(ask().starts_with("a-"));
  }
  action.operation = "set_subject";
  BOOST_TEST(ask().starts_with("a-"));
}

BOOST_AUTO_TEST_CASE(lists_are_pages_by_state) {
  vote("alice", Decision::reject);
  action.content = {{"subject", "bank2"}};
  ask();
  const auto all = test::must(approvals.list({}));
  BOOST_TEST(all.size() == 2U);
  const auto pending = test::must(approvals.list({.state = ApprovalState::pending}));
  BOOST_REQUIRE(pending.size() == 1U);
  BOOST_TEST(approval_id(pending.front()) == "a-2");
  BOOST_TEST(test::must(approvals.list({.after = 2})).empty());
  clock.time += 72h;
  BOOST_TEST(test::must(approvals.list({.state = ApprovalState::pending})).empty());
  BOOST_TEST(test::must(approvals.list({.state = ApprovalState::expired})).size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
