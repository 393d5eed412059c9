// What somebody else changes after people's consent was found good, and before what they have agreed to is done.
#include <fmt/format.h>

#include "daemon/register.h"
#include "daemon/registry/revocation_table.h"
#include "tests/unit/daemon/approval_room.h"

using namespace hubseal;
using namespace hubseal::daemon;
using test::must;

namespace {

/// bank1 has a certificate; alice agrees to whatever somebody is asked about.
struct Interrupted : test::ApprovalRoom {
  Interrupted()
      : ApprovalRoom([](const PolicyFiles& files) {
          for (const char* operation : {"resume_subject", "release_certificate"})
            test::must_replace_in(files.policy_file, fmt::format("{} = 0", operation),
                                  fmt::format("{} = 1", operation));
        }) {
    BOOST_REQUIRE(add_uid("alice", 1001) == "ok");
    BOOST_REQUIRE(issue("r-1", "jws") == "ok");
    serial = last["ok"]["serial"];
  }
  std::string as_admin(const char* op, const Json& fields) { return code(admin(0), op, fields); }
  /// The id under which alice has agreed to it.
  std::string agreed(const char* op, const Json& fields) {
    BOOST_REQUIRE(as_admin(op, fields) == "approval_required");
    const std::string approval = last["error"]["approval"];
    BOOST_REQUIRE(vote(1001, approval) == "ok");
    return approval;
  }
  /// That consent was to what was there before `change`, and does nothing to what is there after it.
  void must_not_reach(const char* op, const Json& fields, const std::function<Result<>(Database&)>& change) {
    const std::string approval = agreed(op, fields);
    clock().meanwhile([&] { must(registry().write(change)); });
    BOOST_TEST(as_admin(op, fields) == "conflict");
    BOOST_TEST(last["error"]["message"].get<std::string>().find("is another one by now; ask again") !=
               std::string::npos);
    BOOST_TEST(ask(agent, "get_approval", {{"approval", approval}})["ok"]["state"] == "approved");
    BOOST_TEST(agreed(op, fields) != approval);  // asked again it is another question
    BOOST_TEST(as_admin(op, fields) == "ok");
  }

  const Json bank1{{"subject", "bank1"}};
  std::string serial;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(meanwhile, Interrupted)

BOOST_AUTO_TEST_CASE(consent_to_end_a_suspension_does_not_end_one_that_came_meanwhile) {
  BOOST_REQUIRE(as_admin("suspend_subject", bank1) == "ok");
  must_not_reach("resume_subject", bank1, [](Database& database) -> Result<> {
    TRY(Register::set_status(database, "bank1", SubjectStatus::active));
    return Register::set_status(database, "bank1", SubjectStatus::suspended);
  });
}

BOOST_AUTO_TEST_CASE(consent_to_end_a_hold_does_not_end_one_that_came_meanwhile) {
  const Json certificate = {{"ca", "hub-ca"}, {"serial", serial}};
  Json hold = certificate;
  hold["reason"] = "certificate_hold";
  BOOST_REQUIRE(as_admin("revoke_certificate", hold) == "ok");
  must_not_reach("release_certificate", certificate, [&](Database& database) -> Result<> {
    auto known = TRY(revocation_table::find(database, "hub-ca", serial));
    known->at += std::chrono::seconds(1);
    return revocation_table::set(database, *known);
  });
}

BOOST_AUTO_TEST_SUITE_END()
