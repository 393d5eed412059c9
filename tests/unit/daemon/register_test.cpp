#include "daemon/register.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/ca_fixture.h"
#include "tests/support/must.h"
#include "tests/support/replace_in.h"
#include "tests/support/software_room.h"

using namespace hubseal;
using namespace hubseal::daemon;
using test::must;
using x509::Attribute;

namespace {

struct Room : test::SoftwareRoom {
  explicit Room(const std::string& mode)
      : SoftwareRoom([&](const PolicyFiles& files) {
          BOOST_REQUIRE(test::replace_in(files.policy_file, "mode = \"auto\"", "mode = \"" + mode + "\""));
        }) {
    make_keys_and_ca();
  }

  /// "ok" or the code; the message is kept.
  std::string outcome(const Json& reply) {
    message = reply.contains("error") ? reply["error"]["message"].get<std::string>() : "";
    return reply.contains("error") ? reply["error"]["code"].get<std::string>() : "ok";
  }

  std::string issue(const std::string& subject, const test::CsrContent& content = {}) {
    const std::string csr = test::make_csr(test::make_key(KeyType::ec_p256).get(), content);
    return outcome(ask(agent, "issue_certificate",
                       {{"ca", "hub-ca"},
                        {"profile", "dfsp-client"},
                        {"subject", subject},
                        {"request", "r-" + std::to_string(++requests)},
                        {"csr", csr}}));
  }

  std::string set(const std::string& subject, const std::string& organization, const Json& names) {
    return outcome(ask(admin, "set_subject",
                       {{"subject", subject}, {"organization", organization}, {"country", "KE"}, {"names", names}}));
  }

  void set_status(const std::string& subject, SubjectStatus status) {
    must(registry().write([&](Database& database) { return Register::set_status(database, subject, status); }));
  }

  const Peer agent = peer(Role::agent), admin = peer(Role::admin);
  std::string message;
  int requests = 0;
};

struct Closed : Room {
  Closed() : Room("closed") {}
};
struct Auto : Room {
  Auto() : Room("auto") {}
};

test::CsrContent named(const std::string& common_name, std::vector<std::string> dns = {},
                       std::vector<std::string> ip = {}) {
  return {{{Attribute::common_name, common_name}}, std::move(dns), std::move(ip)};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(subject_register)

BOOST_FIXTURE_TEST_CASE(a_participant_that_nobody_entered_gets_no_certificate, Closed) {
  BOOST_TEST(issue("bank1") == "policy_denied");
  BOOST_TEST(message.find("bank1 is not in the register") != std::string::npos, message);
  BOOST_TEST(outcome(ask(admin, "get_subject", {{"subject", "bank1"}})) == "not_found");
  BOOST_TEST(records("subject_registered").empty());
}

BOOST_FIXTURE_TEST_CASE(what_a_csr_leaves_out_comes_from_the_register, Closed) {
  BOOST_TEST(set("bank1", "Bank One", Json::object()) == "ok");
  BOOST_TEST(issue("bank1") == "ok");
  const Json listed = ask(admin, "list_certificates", {{"subject", "bank1"}});
  BOOST_TEST(listed["ok"]["certificates"][0]["distinguished_name"] == "CN=bank1,O=Bank One,C=KE");
}

BOOST_FIXTURE_TEST_CASE(PKI_5_a_csr_may_ask_for_a_part_of_what_is_registered_and_for_nothing_else, Closed) {
  BOOST_TEST(set("bank1", "Bank One", {{"cn", {"bank1.example"}}, {"dns", {"a.example"}}, {"ip", {"192.0.2.1"}}}) ==
             "ok");
  BOOST_TEST(issue("bank1", named("Bank1.Example", {"a.example", "bank1.example"}, {"192.0.2.1"})) == "ok");
  BOOST_TEST(issue("bank1", named("bank1.example")) == "ok");
  for (const auto& [content, words] : std::vector<std::pair<test::CsrContent, std::string>>{
           {{}, "cn bank1, which is not registered"},
           {named("bank2.example"), "cn bank2.example"},
           {named("bank1.example", {"b.example"}), "dns b.example"},
           {named("bank1.example", {}, {"192.0.2.2"}), "ip 192.0.2.2"},
           {{{{Attribute::common_name, "bank1.example"}, {Attribute::organization, "Bank Two"}}, {}, {}},
            "organization \"Bank Two\"; registered is \"Bank One\""},
           {{{{Attribute::common_name, "bank1.example"}, {Attribute::country, "CI"}}, {}, {}}, "country \"CI\""}}) {
    BOOST_TEST(issue("bank1", content) == "policy_denied", words);
    BOOST_TEST(message.find(words) != std::string::npos, message << " lacks " << words);
  }
}

BOOST_FIXTURE_TEST_CASE(a_participant_without_an_organization_has_none_certified, Closed) {
  BOOST_TEST(outcome(ask(admin, "set_subject", {{"subject", "bank1"}, {"country", "KE"}, {"names", Json::object()}})) ==
             "ok");
  BOOST_TEST(issue("bank1") == "policy_denied");
  BOOST_TEST(message.find("lacks organization") != std::string::npos, message);
}

BOOST_FIXTURE_TEST_CASE(only_active_participants_are_certified, Closed) {
  BOOST_TEST(set("bank1", "Bank One", Json::object()) == "ok");
  for (const SubjectStatus status : {SubjectStatus::suspended, SubjectStatus::off_boarded}) {
    set_status("bank1", status);
    BOOST_TEST(issue("bank1") == "policy_denied");
    BOOST_TEST(message.find(to_string(status)) != std::string::npos, message);
    // What people say of it does not make it active.
    BOOST_TEST(set("bank1", "Bank One", Json::object()) == (status == SubjectStatus::suspended ? "ok" : "conflict"));
    BOOST_TEST(issue("bank1") == "policy_denied");
  }
  set_status("bank1", SubjectStatus::active);
  BOOST_TEST(issue("bank1") == "ok");
}

// Between the first question and the reservation somebody suspends the participant.
BOOST_FIXTURE_TEST_CASE(the_register_is_asked_again_where_the_serial_is_reserved, Closed) {
  BOOST_TEST(set("bank1", "Bank One", Json::object()) == "ok");
  const IssueRequest request{.peer = "agent",
                             .request = "late",
                             .ca = "hub-ca",
                             .profile = "dfsp-client",
                             .subject = "bank1",
                             .csr = test::make_csr(test::make_key(KeyType::ec_p256).get())};
  const auto refused =
      room().issuance().issue(*room().policies().current(), request,
                              {.who = Json{{"peer", "agent"}},
                               .authorize =
                                   [&](const ca::Prepared&) {
                                     set_status("bank1", SubjectStatus::suspended);
                                     return Grant();
                                   },
                               .record_result = [](const CertificateRecord&) -> Result<> { return {}; }});
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST((refused.error().code == Code::policy_denied));
  BOOST_TEST(ask(admin, "list_certificates", {{"subject", "bank1"}})["ok"]["certificates"].empty());
}

BOOST_FIXTURE_TEST_CASE(PKI_5_names_of_another_participant_cannot_be_registered, Closed) {
  BOOST_TEST(set("bank1", "Bank One", {{"cn", {"bank1", "bank1.example"}}, {"dns", {"*.x.example"}}}) == "ok");
  for (const Json& names : {Json{{"cn", {"BANK1"}}}, Json{{"cn", {"bank1.example."}}}, Json{{"dns", {"bank1.example"}}},
                            Json{{"dns", {"a.x.example"}}}})
    BOOST_TEST(set("bank2", "Bank Two", names) == "conflict", dump_json(names));
  // What was refused has left nothing behind.
  BOOST_TEST(outcome(ask(admin, "get_subject", {{"subject", "bank2"}})) == "not_found");
}

BOOST_FIXTURE_TEST_CASE(PKI_5_an_id_is_nobody_elses_name_and_a_name_nobody_elses_id, Closed) {
  // bank1 goes by another name, so that its id is not among its names.
  BOOST_TEST(set("bank1", "Bank One", {{"cn", {"one.example"}}}) == "ok");
  for (const Json& names : {Json{{"cn", {"bank1"}}}, Json{{"cn", {"BANK1"}}}, Json{{"dns", {"bank1"}}}}) {
    BOOST_TEST(set("bank2", "Bank Two", names) == "conflict", dump_json(names));
    BOOST_TEST(message.find("the id of another participant") != std::string::npos, message);
  }
  BOOST_TEST(set("one.example", "Thief", {{"cn", {"two.example"}}}) == "conflict");
  BOOST_TEST(message.find("a name of another participant") != std::string::npos, message);
  BOOST_TEST(set("Bank1", "Bank One", {{"cn", {"two.example"}}}) == "conflict");
  BOOST_TEST(message.find("but for upper and lower case") != std::string::npos, message);
  BOOST_TEST(set("bank1", "Bank One", {{"cn", {"bank1"}}}) == "ok");  // its own
}

BOOST_FIXTURE_TEST_CASE(PKI_5_the_names_of_the_hubs_cas_are_the_hubs, Closed) {
  BOOST_TEST(set("Hub-CA", "Thief", {{"cn", {"thief.example"}}}) == "conflict");
  BOOST_TEST(set("thief", "Thief", {{"cn", {"hub-ca"}}}) == "conflict");
  BOOST_TEST(message.find("the name of a CA") != std::string::npos, message);
  BOOST_TEST(set("late-ca", "Bank", Json::object()) == "ok");
  BOOST_TEST(outcome(ask(admin, "create_key", {{"label", "k2"}, {"type", "ec_p256"}, {"use", "ca"}})) == "ok");
  BOOST_TEST(outcome(ask(admin, "create_ca",
                         {{"ca", "Late-CA"},
                          {"key", "k2"},
                          {"profile", "test-root"},
                          {"subject", {{"common_name", "Late"}, {"organization", "Hub"}, {"country", "KE"}}}})) ==
             "conflict");
  BOOST_TEST(message.find("the id of a participant") != std::string::npos, message);
}

BOOST_FIXTURE_TEST_CASE(a_new_ca_has_neither_id_nor_name_of_a_participant, Closed) {
  BOOST_TEST(set("bank9", "Bank Nine", {{"cn", {"pay-hub"}}, {"dns", {"pay.example"}}}) == "ok");
  const auto check = [&](const std::string& ca) {
    return outcome(ask(admin, "check_ca",
                       {{"ca", ca},
                        {"profile", "test-root"},
                        {"key_type", "ec_p256"},
                        {"subject", {{"common_name", "X"}, {"organization", "Example Hub"}, {"country", "KE"}}}}));
  };
  for (const char* ca : {"bank9", "BANK9", "pay-hub", "pay.example"}) BOOST_TEST(check(ca) == "conflict", ca);
  // Also where somebody was entered since it was looked at.
  const auto authorities = must(Authorities::open(registry()));
  const auto late =
      authorities->add({.name = "pay-hub", .key = "k", .profile = "test-root", .certificate = {}, .csr = {1}});
  BOOST_REQUIRE(!late.has_value());
  BOOST_TEST((late.error().code == Code::conflict));
}

BOOST_FIXTURE_TEST_CASE(PKI_5_auto_gives_nobody_the_id_of_another, Auto) {
  BOOST_TEST(issue("bank1", named("bank1.example")) == "ok");
  BOOST_TEST(issue("thief", named("bank1")) == "conflict");
  BOOST_TEST(issue("BANK1", named("two.example")) == "conflict");
  BOOST_TEST(issue("hub-ca", named("three.example")) == "conflict");
  BOOST_TEST(issue("bank1", named("bank1.example")) == "ok");
}

BOOST_FIXTURE_TEST_CASE(a_name_that_was_certified_stays_its_participants_when_it_is_withdrawn, Closed) {
  BOOST_TEST(set("bank1", "Bank One", {{"cn", {"bank1"}}, {"dns", {"used.example", "slip.example"}}}) == "ok");
  BOOST_TEST(issue("bank1", named("bank1", {"used.example"})) == "ok");
  BOOST_TEST(set("bank1", "Bank One", Json::object()) == "ok");
  const Json shown = ask(admin, "get_subject", {{"subject", "bank1"}})["ok"];
  BOOST_TEST(shown["names"]["dns"] == Json::array({"bank1"}));  // of its CN
  BOOST_TEST(shown["withdrawn"]["dns"] == Json::array({"used.example"}));
  BOOST_TEST(issue("bank1", named("bank1", {"used.example"})) == "policy_denied");
  BOOST_TEST(set("bank2", "Bank Two", {{"dns", {"used.example"}}}) == "conflict");
  BOOST_TEST(set("bank2", "Bank Two", {{"dns", {"slip.example"}}}) == "ok");
  BOOST_TEST(set("bank1", "Bank One", {{"dns", {"used.example"}}}) == "ok");
  BOOST_TEST(issue("bank1", named("bank1", {"used.example"})) == "ok");
}

BOOST_FIXTURE_TEST_CASE(auto_enters_a_participant_once_and_says_so, Auto) {
  BOOST_TEST(issue("bank1", named("bank1.example", {"a.example"})) == "ok");
  const auto learnt = records("subject_registered");
  BOOST_REQUIRE(learnt.size() == 1U);
  BOOST_TEST(learnt[0]["subject"] == "bank1");
  BOOST_TEST(learnt[0]["names"]["dns"] == Json::array({"bank1.example", "a.example"}));
  BOOST_TEST(learnt[0]["peer"] == "agent");
  BOOST_TEST(ask(admin, "get_subject", {{"subject", "bank1"}})["ok"]["organization"] == "bank1");
  BOOST_TEST(issue("bank1", named("bank1.example")) == "ok");
  BOOST_TEST(issue("bank1", named("bank1.example", {"b.example"})) == "policy_denied");
  BOOST_TEST(records("subject_registered").size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(PKI_5_auto_gives_nobody_the_name_of_another, Auto) {
  BOOST_TEST(issue("bank1", named("bank1.example")) == "ok");
  BOOST_TEST(issue("thief", named("bank1.example")) == "conflict");
  BOOST_TEST(message.find("PKI-5") != std::string::npos, message);
  BOOST_TEST(outcome(ask(admin, "get_subject", {{"subject", "thief"}})) == "not_found");
}

BOOST_FIXTURE_TEST_CASE(malformed_names_are_refused, Closed) {
  for (const Json& names :
       {Json{{"cn", {" bank1"}}}, Json{{"cn", {""}}}, Json{{"dns", {"a_b.example"}}}, Json{{"ip", {"192.0.2"}}},
        Json{{"ip", {"::ffff:192.0.2.1"}}}, Json{{"uri", {"https://a.example"}}}})
    BOOST_TEST(set("bank1", "Bank One", names) == "bad_request", dump_json(names));
  BOOST_TEST(set("bank1", "a\nb", Json::object()) == "bad_request");
}

BOOST_FIXTURE_TEST_CASE(lists_come_in_pages_by_id, Closed) {
  for (const char* id : {"c", "a", "b"}) BOOST_TEST(set(id, "Bank", {{"cn", {id}}}) == "ok");
  const Json first = ask(admin, "list_subjects", {{"limit", 2}})["ok"];
  BOOST_TEST(first["subjects"][1]["subject"] == "b");
  BOOST_TEST(first["next"] == "b");
  const Json rest = ask(admin, "list_subjects", {{"after", "b"}})["ok"];
  BOOST_TEST(rest["subjects"].size() == 1U);
  BOOST_TEST(!rest.contains("next"));
}

BOOST_AUTO_TEST_SUITE_END()
