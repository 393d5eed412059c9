#include "daemon/approvals/approvals.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "daemon/registry/approval_table.h"
#include "tests/support/fake_clock.h"
#include "tests/support/must.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;
using namespace hubseal::daemon;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  /// "granted", or the code.
  std::string ask(const Action& wanted, const Requester& by) {
    const auto grant = approvals.authorize(by, policy, 2, wanted, recorded);
    if (grant) return "granted";
    waiting = grant.error().approval;
    return std::string(to_string(grant.error().code));
  }
  void approve(const std::string& id) { put(id, ApprovalState::approved); }
  void reject(const std::string& id) { put(id, ApprovalState::rejected); }
  void put(const std::string& id, ApprovalState state) {
    test::must(registry->write([&](Database& database) -> Result<> {
      Statement update = TRY(database.prepare("UPDATE approvals SET state = ? WHERE 'a-' || id = ?"));
      return update.bind(to_string(state)).bind(id).run();
    }));
  }
  Result<> use(const Grant& grant) {
    return registry->write([&](Database& database) { return grant.use(database); });
  }

  test::FakeClock clock;
  test::TempDir folder;
  std::unique_ptr<Registry> registry = test::must(Registry::open(folder.path()));
  Approvals approvals{*registry, clock};
  Policy policy{.version = 3, .approval_lifetime = 72h};
  const Requester ann{.peer = "security-team", .uid = 1000};
  const Action action{.operation = "create_ca", .about = "hub-ca", .content = {{"ca", "hub-ca"}, {"key", "k"}}};
  std::string waiting;
  std::string told;  // ids, in the order in which they were recorded
  const Approvals::Record recorded = [this](const ApprovalRecord& approval) -> Result<> {
    told += approval_id(approval) + ' ';
    return {};
  };
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(approvals_core, Fixture)

BOOST_AUTO_TEST_CASE(where_nobody_must_agree_nothing_waits) {
  const Grant grant = test::must(approvals.authorize(ann, policy, 0, action, recorded));
  BOOST_TEST(!grant.approval().has_value());
  BOOST_TEST(use(grant).has_value());
}

BOOST_AUTO_TEST_CASE(the_same_request_waits_once_and_survives_a_restart) {
  BOOST_TEST(ask(action, ann) == "approval_required");
  const std::string first = waiting;
  BOOST_TEST(first == "a-1");
  registry.reset();
  registry = test::must(Registry::open(folder.path()));
  Approvals after(*registry, clock);
  BOOST_TEST(after.authorize(ann, policy, 2, action, recorded).error().approval == first);
}

BOOST_AUTO_TEST_CASE(what_is_kept_is_recorded_once_and_not_kept_when_that_fails) {
  ask(action, ann);
  ask(action, ann);
  BOOST_TEST(told == "a-1 ");
  Action other = action;
  other.about = "another-ca";
  const auto refuse = [](const ApprovalRecord&) -> Result<> { return fail(Code::storage_unavailable, "full"); };
  const auto refused = approvals.authorize(ann, policy, 2, other, refuse);
  BOOST_TEST((refused.error().code == Code::storage_unavailable));
  BOOST_TEST(test::must(approvals.list({})).size() == 1U);
  BOOST_TEST(ask(other, ann) == "approval_required");
  BOOST_TEST(told == "a-1 a-2 ");
}

BOOST_AUTO_TEST_CASE(an_approval_is_used_once) {
  ask(action, ann);
  approve(waiting);
  const Grant grant = test::must(approvals.authorize(ann, policy, 2, action, recorded));
  BOOST_TEST(grant.approval().value() == "a-1");
  BOOST_TEST(use(grant).has_value());
  BOOST_TEST((use(grant).error().code == Code::conflict));
  BOOST_TEST(ask(action, ann) == "approval_required");
  BOOST_TEST(waiting == "a-2");
}

BOOST_AUTO_TEST_CASE(it_is_good_for_exactly_what_was_asked_by_whom_and_under_which_policy) {
  ask(action, ann);
  approve(waiting);
  Action other = action;
  other.content["key"] = "another";
  BOOST_TEST(ask(other, ann) == "approval_required");
  Action about_another = action;  // approvers saw "hub-ca" in the list and in the statement
  about_another.about = "another-ca";
  BOOST_TEST(ask(about_another, ann) == "approval_required");
  BOOST_TEST(ask(action, {.peer = "security-team", .uid = 1001}) == "approval_required");
  BOOST_TEST(ask(action, {.peer = "agent", .uid = 1000}) == "approval_required");
  policy.version = 4;
  BOOST_TEST(ask(action, ann) == "approval_required");
  policy.version = 3;
  BOOST_TEST(ask(action, ann) == "granted");
}

BOOST_AUTO_TEST_CASE(what_was_rejected_is_over_and_is_asked_for_anew_only_by_who_says_so) {
  ask(action, ann);
  approve(waiting);
  reject(waiting);
  BOOST_TEST(ask(action, ann) == "policy_denied");
  Requester again = ann;
  again.anew = true;
  BOOST_TEST(ask(action, again) == "approval_required");
  BOOST_TEST(waiting == "a-2");
  BOOST_TEST(test::must(approvals.find("a-2")).agreed == 0u);
  BOOST_TEST(ask(action, again) == "approval_required");  // what waits is not asked for twice
  BOOST_TEST(waiting == "a-2");
  BOOST_TEST(ask(action, ann) == "approval_required");
  BOOST_TEST(waiting == "a-2");
  BOOST_TEST((test::must(approvals.find("a-1")).state == ApprovalState::rejected));
  approve("a-2");
  BOOST_TEST(ask(action, ann) == "granted");
}

BOOST_AUTO_TEST_CASE(open_are_those_that_something_can_still_come_of) {
  Action other = action;
  const auto ids = [&](const ApprovalQuery& query) {
    std::string text;
    for (const ApprovalRecord& approval : test::must(approvals.list(query))) text += approval_id(approval) + ' ';
    return text;
  };
  for (const char* about : {"pending", "approved", "rejected"}) {
    other.about = about;
    ask(other, ann);
  }
  approve("a-2");
  reject("a-3");
  BOOST_TEST(ids({.open = true}) == "a-1 a-2 ");
  BOOST_TEST(ids({.state = ApprovalState::pending}) == "a-1 ");
  BOOST_TEST(ids({}) == "a-1 a-2 a-3 ");
  clock.time += 73h;
  BOOST_TEST(ids({.open = true}).empty());
}

BOOST_AUTO_TEST_CASE(it_expires_before_and_after_the_vote) {
  ask(action, ann);
  approve(waiting);
  const Grant grant = test::must(approvals.authorize(ann, policy, 2, action, recorded));
  clock.time += 72h;
  BOOST_TEST(ask(action, ann) == "approval_required");
  BOOST_TEST(waiting == "a-2");
  BOOST_TEST(use(grant).has_value());  // taken in time, and used before anybody could know better
  clock.time += 73h;
  BOOST_TEST(ask(action, ann) == "approval_required");
  BOOST_TEST(waiting == "a-3");
}

BOOST_AUTO_TEST_CASE(what_was_asked_while_the_clock_was_ahead_is_over_once_it_is_right) {
  clock.time += 24h * 365;
  ask(action, ann);
  approve(waiting);
  Action other = action;
  other.about = "another-ca";
  ask(other, ann);
  reject(waiting);
  const Grant grant = test::must(approvals.authorize(ann, policy, 2, action, recorded));
  clock.time -= 24h * 365;
  BOOST_TEST((test::must(approvals.find("a-1")).state == ApprovalState::expired));
  BOOST_TEST(test::must(approvals.list({.open = true})).empty());
  BOOST_TEST(test::must(approvals.list({.state = ApprovalState::expired})).size() == 1U);
  BOOST_TEST(ask(action, ann) == "approval_required");
  BOOST_TEST(waiting == "a-3");
  BOOST_TEST(ask(other, ann) == "approval_required");  // nor is it rejected for a year
  std::string ended;
  test::must(approvals.expire([&](const ApprovalRecord& approval) -> Result<> {
    ended += approval_id(approval) + ' ';
    return {};
  }));
  BOOST_TEST(ended == "a-1 ");
  clock.time += 24h * 365;
  BOOST_TEST((use(grant).error().code == Code::conflict));
}

BOOST_AUTO_TEST_CASE(a_clock_that_is_set_back_a_little_ends_nothing) {
  ask(action, ann);
  approve(waiting);
  clock.time -= 300s;
  BOOST_TEST(ask(action, ann) == "granted");
  clock.time -= 1s;
  BOOST_TEST(ask(action, ann) == "approval_required");
}

BOOST_AUTO_TEST_SUITE_END()
