// What waits for consent to something about a participant that leaves.
#include "tests/unit/daemon/approval_room.h"

using namespace hubseal;
using namespace hubseal::daemon;

namespace {

/// What waits for consent to something about bank1, which is in the register: one request is approved.
struct Leaving : test::ApprovalRoom {
  Leaving() {
    add_alice_and_bob();
    BOOST_REQUIRE(
        code(admin(0), "set_subject",
             {{"subject", "bank1"}, {"organization", "bank1"}, {"country", "KE"}, {"names", {{"cn", {"bank1"}}}}}) ==
        "ok");
    for (const char* request : {"r-1", "r-2"}) {
      BOOST_REQUIRE(issue(request) == "approval_required");
      waiting.push_back(last["error"]["approval"]);
    }
    for (const uid_t uid : {1001U, 1002U}) BOOST_REQUIRE(vote(uid, waiting.back()) == "ok");
    BOOST_REQUIRE(issue("r-3", "dfsp-client", "bank2") == "approval_required");
    other = last["error"]["approval"];
  }
  std::string leave() { return code(admin(0), "off_board_subject", {{"subject", "bank1"}}); }
  Json shown(const std::string& id) { return ask(agent, "get_approval", {{"approval", id}})["ok"]; }

  std::vector<std::string> waiting;
  std::string other;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(withdrawal, Leaving)

BOOST_AUTO_TEST_CASE(what_waits_for_a_participant_ends_when_it_leaves_and_the_log_says_why) {
  BOOST_REQUIRE(leave() == "ok");
  const std::string reason = "participant bank1 is off_boarded";
  const auto withdrawn = records("approval_withdrawn");
  BOOST_REQUIRE(withdrawn.size() == 2U);
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    BOOST_TEST(shown(waiting[i])["state"] == "rejected");
    BOOST_TEST(shown(waiting[i])["reason"] == reason);
    BOOST_TEST(withdrawn[i]["approval"] == waiting[i]);
    BOOST_TEST(withdrawn[i]["asked_for"] == "issue_certificate");
    BOOST_TEST(withdrawn[i]["reason"] == reason);
    BOOST_TEST(vote(1001, waiting[i]) == "conflict");
  }
  BOOST_TEST(issue("r-2") == "policy_denied");
  BOOST_TEST(shown(other)["state"] == "pending");
  BOOST_TEST(!shown(other).contains("reason"));
  BOOST_TEST(leave() == "ok");  // a repeat ends nothing twice
  BOOST_TEST(records("approval_withdrawn").size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_request_about_a_key_that_is_called_like_the_participant_goes_on) {
  const auto waits =
      room().approvals().authorize({.peer = "admin", .uid = 0}, *room().policies().current(), 2,
                                   {.operation = "destroy_key", .about = "bank1", .content = Json::object()},
                                   [](const ApprovalRecord&) -> Result<> { return {}; });
  BOOST_REQUIRE((waits.error().code == Code::approval_required));
  BOOST_REQUIRE(leave() == "ok");
  BOOST_TEST(shown(waits.error().approval)["state"] == "pending");
}

BOOST_AUTO_TEST_CASE(a_participant_leaves_with_all_that_waits_for_it_or_not_at_all) {
  test::must(registry().write([](Database& database) {
    return database.execute(
        "CREATE TRIGGER refuse BEFORE UPDATE OF reason ON approvals WHEN NEW.id = (SELECT max(id) "
        "FROM approvals WHERE about = 'bank1') BEGIN SELECT RAISE(ABORT, 'no'); END");
  }));
  BOOST_TEST(leave() != "ok");
  BOOST_TEST(ask(agent, "get_subject", {{"subject", "bank1"}})["ok"]["status"] == "active");
  BOOST_TEST(shown(waiting[0])["state"] == "pending");
  BOOST_TEST(shown(waiting[1])["state"] == "approved");
  BOOST_TEST(issue("r-2") == "ok");
}

BOOST_AUTO_TEST_SUITE_END()
