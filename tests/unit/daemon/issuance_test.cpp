#include "daemon/issuance.h"

#include <fstream>
#include <sstream>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/ca_fixture.h"
#include "tests/support/must.h"
#include "tests/support/software_room.h"

using namespace hubseal;
using namespace hubseal::daemon;
using test::must;

namespace {

struct Fixture : test::SoftwareRoom {
  Fixture() { make_keys_and_ca(); }

  const IssueRequest request{.peer = "agent",
                             .request = "r-1",
                             .ca = "hub-ca",
                             .profile = "dfsp-client",
                             .subject = "bank1",
                             .csr = test::make_csr(test::make_key(KeyType::ec_p256).get())};
  const Policy shipped = *room().policies().current();

  static Issuance::Trail trail(Result<> recorded) {
    return {.who = Json{{"peer", "agent"}},
            .authorize = [](const ca::Prepared&) { return Grant(); },
            .record_result = [=](const CertificateRecord&) { return recorded; }};
  }
  static Issuance::Trail good_trail() { return trail({}); }
  static Issuance::Trail broken_log() { return trail(fail(Code::storage_unavailable, "full")); }

  /// The policy in force with one text replaced in its dfsp-client.
  Policy policy_with(const std::string& from, const std::string& to) {
    const auto other = folder() / "other";
    std::filesystem::create_directory(other);
    std::stringstream text;
    text << std::ifstream(folder() / "profiles" / "dfsp-client.toml").rdbuf();
    std::string content = text.str();
    BOOST_REQUIRE(content.find(from) != std::string::npos);
    content.replace(content.find(from), from.size(), to);
    std::ofstream(other / "dfsp-client.toml") << content;
    std::filesystem::permissions(other / "dfsp-client.toml", std::filesystem::perms::owner_read);
    Policy policy = shipped;
    policy.profiles = must(test::load_profiles(other));
    return policy;
  }

  /// As the operation asks.
  Result<CertificateRecord> issue(const Policy& policy, const Issuance::Trail& trail) {
    IssueRequest asked = request;
    asked.registered = must(Register(registry()).find(request.subject));
    return room().issuance().issue(policy, asked, trail);
  }

  void must_do(std::string_view operation, Json fields) {
    const Json answer = ask(peer(Role::admin), operation, std::move(fields));
    BOOST_TEST(answer.contains("ok"), dump_json(answer));
  }
  void off_board() { must_do("off_board_subject", {{"subject", "bank1"}}); }

  /// Refused for what the participant has become meanwhile, and there is nothing that anybody could read.
  void must_be_denied(const Result<CertificateRecord>& refused) {
    BOOST_REQUIRE(!refused.has_value());
    BOOST_TEST((refused.error().code == Code::policy_denied), refused.error().message);
    BOOST_TEST(!kept().issued());
  }

  CertificateRecord kept() {
    return must(registry().read(
                    [](Database& database) { return certificate_table::find_request(database, "agent", "r-1"); }))
        .value();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(issuance, Fixture)

BOOST_AUTO_TEST_CASE(a_certificate_whose_result_cannot_be_recorded_can_be_read_by_nobody) {
  const auto refused = issue(shipped, broken_log());
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST((refused.error().code == Code::storage_unavailable));
  BOOST_TEST(!kept().issued());

  // The log is back: the repeat is the same serial and the same bytes.
  const CertificateRecord issued = must(issue(shipped, good_trail()));
  BOOST_TEST(issued.issued());
  BOOST_TEST(issued.serial == kept().serial);
}

BOOST_AUTO_TEST_CASE(an_intent_does_not_outlive_its_policy) {
  (void)issue(shipped, broken_log());
  const Policy stricter = policy_with("validity_days    = 730", "validity_days    = 30");
  const auto refused = issue(stricter, good_trail());
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST((refused.error().code == Code::policy_denied));
  BOOST_TEST(refused.error().message.find("another policy") != std::string::npos);

  const Policy rsa_only = [&] {
    std::filesystem::remove_all(folder() / "other");
    return policy_with(", \"ec_p256\", \"ec_p384\"", "");
  }();
  BOOST_TEST((issue(rsa_only, good_trail()).error().code == Code::policy_denied));
  BOOST_TEST(!kept().issued());
}

BOOST_AUTO_TEST_CASE(an_intent_asks_the_people_that_todays_policy_wants) {
  (void)issue(shipped, broken_log());
  int asked = 0;
  Issuance::Trail trail = good_trail();
  trail.needed = 2;
  trail.authorize = [&](const ca::Prepared&) -> Result<Grant> {
    ++asked;
    return fail(Code::approval_required, "a-1");
  };
  BOOST_TEST((issue(shipped, trail).error().code == Code::approval_required));
  BOOST_TEST(!kept().issued());
  trail.authorize = [&](const ca::Prepared&) -> Result<Grant> {
    ++asked;
    return Grant();
  };
  trail.record_result = [](const CertificateRecord&) -> Result<> { return fail(Code::storage_unavailable, "full"); };
  (void)issue(shipped, trail);
  BOOST_TEST(kept().approvals_needed == 2);
  trail.record_result = [](const CertificateRecord&) { return Result<>(); };
  BOOST_TEST(must(issue(shipped, trail)).issued());
  BOOST_TEST(asked == 2);  // and who has agreed is not asked again
}

BOOST_AUTO_TEST_CASE(an_intent_can_be_revoked_and_is_not_signed_then) {
  (void)issue(shipped, broken_log());
  const Json revoked = ask(peer(Role::admin), "revoke_certificate",
                           {{"ca", "hub-ca"}, {"serial", kept().serial}, {"reason", "cessation_of_operation"}});
  BOOST_TEST(revoked.contains("ok"), dump_json(revoked));
  const auto refused = issue(shipped, good_trail());
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST((refused.error().code == Code::policy_denied));
  BOOST_TEST(!kept().issued());
}

BOOST_AUTO_TEST_CASE(who_is_off_boarded_while_its_certificate_is_signed_does_not_get_it_and_no_record_says_so) {
  bool said = false;
  Issuance::Trail trail = good_trail();
  trail.record_result = [&](const CertificateRecord&) -> Result<> {
    said = true;
    return {};
  };
  signer().meanwhile([&] { off_board(); });
  must_be_denied(issue(shipped, trail));
  BOOST_TEST(!said);
  must_be_denied(issue(shipped, trail));  // a repeat neither
}

BOOST_AUTO_TEST_CASE(who_is_off_boarded_after_the_record_of_its_certificate_does_not_get_it) {
  Issuance::Trail trail = good_trail();
  trail.record_result = [&](const CertificateRecord&) -> Result<> {
    off_board();
    return {};
  };
  must_be_denied(issue(shipped, trail));
}

BOOST_AUTO_TEST_CASE(who_is_off_boarded_before_a_repeat_gets_its_turn_does_not_get_the_certificate) {
  (void)issue(shipped, broken_log());
  Issuance::Trail trail = good_trail();
  trail.needed = 1;
  trail.authorize = [&](const ca::Prepared&) -> Result<Grant> {
    off_board();
    return Grant();
  };
  must_be_denied(issue(shipped, trail));
}

BOOST_AUTO_TEST_CASE(who_is_suspended_while_its_certificate_is_signed_gets_it_once_it_is_resumed) {
  signer().meanwhile([&] { must_do("suspend_subject", {{"subject", "bank1"}}); });
  must_be_denied(issue(shipped, good_trail()));
  must_do("resume_subject", {{"subject", "bank1"}});
  const CertificateRecord issued = must(issue(shipped, good_trail()));
  BOOST_TEST(issued.serial == kept().serial);
  BOOST_TEST(kept().issued());
}

BOOST_AUTO_TEST_CASE(an_intent_is_not_finished_for_a_name_that_was_withdrawn_meanwhile) {
  (void)issue(shipped, broken_log());
  IssueRequest asked = request;
  asked.registered = must(Register(registry()).find("bank1"));  // what the operation has read before
  must_do("set_subject", {{"subject", "bank1"},
                          {"organization", asked.registered->subject.organization},
                          {"country", asked.registered->subject.country},
                          {"names", {{"cn", {"other"}}}}});
  must_be_denied(room().issuance().issue(shipped, asked, good_trail()));
}

BOOST_AUTO_TEST_CASE(what_was_issued_stays_the_answer_under_any_policy) {
  const CertificateRecord first = must(issue(shipped, good_trail()));
  const Policy stricter = policy_with("validity_days    = 730", "validity_days    = 30");
  const CertificateRecord again = must(issue(stricter, good_trail()));
  BOOST_TEST((again.certificate == first.certificate));
}

BOOST_AUTO_TEST_SUITE_END()
