// Quotas and renewal as a peer meets them: through the dispatcher.
#include <fstream>
#include <future>
#include <thread>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "daemon/registry/certificate_table.h"
#include "daemon/registry/revocation_table.h"
#include "tests/support/ca_fixture.h"
#include "tests/support/must.h"
#include "tests/support/replace_in.h"
#include "tests/support/software_room.h"
#include "tests/support/until.h"

using namespace hubseal;
using namespace hubseal::daemon;
using test::must;

namespace {

void limit(const PolicyFiles& files, const std::string& kind, int burst) {
  BOOST_REQUIRE(test::replace_in(
      files.policy_file, "[quota." + kind + "]\nunlimited = true",
      "[quota." + kind + "]\nburst = " + std::to_string(burst) + "\nrefill = 1\nrefill_seconds = 86400"));
}

struct Room : test::SoftwareRoom {
  explicit Room(const ChangePolicy& change) : SoftwareRoom(change) { make_keys_and_ca(); }

  std::string code(const Peer& peer, std::string_view op, Json fields = Json::object()) {
    const Json reply = ask(peer, op, std::move(fields));
    message = reply.contains("error") ? reply["error"]["message"].get<std::string>() : "";
    return reply.contains("error") ? reply["error"]["code"].get<std::string>() : "ok";
  }
  std::string issue(const std::string& subject, const std::string& csr = "",
                    const std::string& profile = "dfsp-client") {
    return code(agent, "issue_certificate",
                {{"ca", "hub-ca"},
                 {"profile", profile},
                 {"subject", subject},
                 {"request", "r-" + std::to_string(++requests)},
                 {"csr", csr.empty() ? test::make_csr(test::make_key(KeyType::ec_p256).get()) : csr}});
  }
  std::size_t audit_lines() const {
    std::size_t lines = 0;
    std::ifstream file(audit_file());
    for (std::string line; std::getline(file, line);) ++lines;
    return lines;
  }
  std::string last_record() const {
    std::string last;
    std::ifstream file(audit_file());
    for (std::string line; std::getline(file, line);) last = line;
    return last;
  }

  const Peer agent = peer(Role::agent), admin = peer(Role::admin);
  std::string message;
  int requests = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(quota_dispatch)

BOOST_AUTO_TEST_CASE(a_flood_for_one_participant_is_refused_and_the_others_are_served) {
  Room room([](const PolicyFiles& files) {
    limit(files, "subject", 3);
    limit(files, "uid", 20);
  });
  BOOST_TEST(room.issue("bank1") == "ok");
  BOOST_TEST(room.issue("bank2") == "ok");
  for (int i = 0; i < 3; ++i) BOOST_TEST(room.issue("bank1") == "ok");
  // Far more than the uid's own quota: what is refused for one participant costs the uid nothing.
  for (int i = 0; i < 50; ++i) BOOST_REQUIRE(room.issue("bank1") == "rate_limited");
  BOOST_TEST(room.message.find("quota.subject of subject bank1 is used up") != std::string::npos, room.message);
  BOOST_TEST(room.message.find("try again in") != std::string::npos, room.message);
  BOOST_TEST(room.issue("bank2") == "ok");
}

BOOST_AUTO_TEST_CASE(what_programs_ask_for_a_participant_does_not_keep_people_from_helping_it) {
  Room room([](const PolicyFiles& files) { limit(files, "subject", 2); });
  BOOST_TEST(room.issue("bank1") == "ok");  // from then on it is known
  const auto by_people = [&](const std::string& csr) {
    return room.code(room.admin, "issue_certificate",
                     {{"ca", "hub-ca"},
                      {"profile", "dfsp-client"},
                      {"subject", "bank1"},
                      {"request", "p-" + std::to_string(++room.requests)},
                      {"csr", csr}});
  };
  for (int i = 0; i < 2; ++i) BOOST_TEST(room.issue("bank1", "no CSR") == "bad_request");
  BOOST_TEST(room.issue("bank1", "no CSR") == "rate_limited");
  BOOST_TEST(by_people(test::make_csr(test::make_key(KeyType::ec_p256).get())) == "ok");
  BOOST_TEST(by_people("no CSR") == "bad_request");
  BOOST_TEST(by_people("no CSR") == "rate_limited");
  BOOST_TEST(room.message.find("quota.subject of subject bank1, asked for by people is used up") != std::string::npos,
             room.message);
}

BOOST_AUTO_TEST_CASE(a_profile_has_a_quota_of_its_own_for_each_participant_and_takes_none_of_the_others) {
  Room room([](const PolicyFiles& files) {
    std::ofstream(files.profiles_dir / "dfsp-client.toml", std::ios::app)
        << "\n[quota]\nburst = 2\nrefill = 1\nrefill_seconds = 86400\n";
    limit(files, "subject", 4);
  });
  BOOST_TEST(room.issue("bank1") == "ok");  // from then on it is known
  for (int i = 0; i < 2; ++i) BOOST_TEST(room.issue("bank1") == "ok");
  for (int i = 0; i < 10; ++i) BOOST_REQUIRE(room.issue("bank1") == "rate_limited");
  BOOST_TEST(room.message.find("quota.profile of profile dfsp-client, subject bank1 is used up: 2 at once") == 0,
             room.message);
  // What the profile refuses has cost the participant nothing: the last two of its four are there for another profile.
  for (int i = 0; i < 2; ++i) BOOST_TEST(room.issue("bank1", "no CSR", "dfsp-server") == "bad_request");
  BOOST_TEST(room.issue("bank1", "no CSR", "dfsp-server") == "rate_limited");
  BOOST_TEST(room.message.find("quota.subject of subject bank1 is used up") == 0, room.message);
  BOOST_TEST(room.issue("bank2") == "ok");
}

BOOST_AUTO_TEST_CASE(ids_that_nobody_registered_share_a_quota) {
  Room room([](const PolicyFiles& files) { limit(files, "subject", 3); });
  for (const char* id : {"a", "b", "c"}) BOOST_TEST(room.issue(id) == "ok");
  BOOST_TEST(room.issue("d") == "rate_limited");
  BOOST_TEST(room.issue("a") == "ok");
}

BOOST_AUTO_TEST_CASE(a_quota_is_asked_before_anything_costly) {
  Room room([](const PolicyFiles& files) { limit(files, "subject", 1); });
  BOOST_TEST(room.issue("bank1", "no CSR") == "bad_request");
  BOOST_TEST(room.issue("bank1", "no CSR") == "rate_limited");
}

BOOST_AUTO_TEST_CASE(a_key_signs_as_often_as_its_quota_says) {
  Room room([](const PolicyFiles& files) { limit(files, "key", 2); });
  const Json jws = {{"key", "hub-jws"}, {"payload", "e30"}};
  for (int i = 0; i < 2; ++i) BOOST_TEST(room.code(room.admin, "sign_jws", jws) == "ok");
  BOOST_TEST(room.code(room.admin, "sign_jws", jws) == "rate_limited");
  for (int i = 0; i < 2; ++i) BOOST_TEST(room.issue("bank1") == "ok");
  BOOST_TEST(room.issue("bank1") == "rate_limited");
  BOOST_TEST(room.message.find("quota.key of key hub-ca") != std::string::npos, room.message);
}

BOOST_AUTO_TEST_CASE(a_user_has_as_many_keys_made_as_the_quota_says) {
  Room room([](const PolicyFiles& files) { limit(files, "keys_made", 4); });  // two are made with the room
  const auto csr = [](const std::string& label) {
    return Json{{"label", label}, {"type", "ec_p256"}, {"subject", {{"common_name", "x"}}}};
  };
  BOOST_TEST(room.code(room.admin, "create_csr", csr("tls-1")) == "ok");
  BOOST_TEST(room.code(room.admin, "create_key", {{"label", "ca-2"}, {"type", "ec_p256"}, {"use", "ca"}}) == "ok");
  BOOST_TEST(room.code(room.admin, "create_csr", csr("tls-2")) == "rate_limited");
  BOOST_TEST(room.message.find("quota.keys_made of uid") != std::string::npos, room.message);
}

BOOST_AUTO_TEST_CASE(a_key_for_which_consent_is_missing_uses_up_no_quota) {
  Room room([](const PolicyFiles& files) {
    limit(files, "keys_made", 3);
    BOOST_REQUIRE(test::replace_in(files.policy_file, "create_csr = 0", "create_csr = 1"));
  });
  const Json csr = {{"label", "tls-1"}, {"type", "ec_p256"}, {"subject", {{"common_name", "x"}}}};
  for (int i = 0; i < 5; ++i) BOOST_TEST(room.code(room.admin, "create_csr", csr) == "approval_required");
}

BOOST_AUTO_TEST_CASE(reading_costs_nothing) {
  Room room([](const PolicyFiles& files) { limit(files, "uid", 8); });
  for (int i = 0; i < 50; ++i) BOOST_REQUIRE(room.code(room.admin, "list_keys") == "ok");
  std::string last = "ok";
  for (int i = 0; i < 10 && last == "ok"; ++i)
    last = room.code(room.admin, "sign_jws", {{"key", "hub-jws"}, {"payload", "e30"}});
  BOOST_TEST(last == "rate_limited");
  BOOST_TEST(room.code(room.admin, "health") == "ok");
}

BOOST_AUTO_TEST_CASE(a_flood_of_refusals_does_not_fill_the_log) {
  Room room([](const PolicyFiles& files) { limit(files, "refusals", 5); });
  const std::size_t before = room.audit_lines();
  for (int i = 0; i < 500; ++i) BOOST_REQUIRE(room.code(room.agent, "get_ca", {{"ca", "nobody"}}) == "not_found");
  (void)room.dispatcher().handle(room.agent, "not json");
  BOOST_TEST(room.audit_lines() == before + 5);
  must(room.room().save());
  const Json count = must(parse_json(room.last_record()));
  BOOST_TEST(count["event"] == "refusals_not_recorded");
  BOOST_TEST(count["count"] == 496);
  BOOST_TEST(dump_json(count["refused"]) == R"({"get_ca":{"not_found":495},"undecodable":{"bad_request":1}})");
  BOOST_TEST(room.issue("bank1") == "ok");  // what is granted is recorded and done as ever
}

BOOST_AUTO_TEST_CASE(no_flood_of_refusals_hides_what_was_asked_for_or_a_forged_vote) {
  Room room([](const PolicyFiles& files) {
    limit(files, "refusals", 5);
    BOOST_REQUIRE(test::replace_in(files.profiles_dir / "dfsp-client.toml", "approvals = 0", "approvals = 1"));
  });
  for (int i = 0; i < 20; ++i) (void)room.dispatcher().handle(room.agent, "not json");
  BOOST_TEST(room.issue("bank1") == "approval_required");
  const Json asked = must(parse_json(room.last_record()));
  BOOST_TEST(asked["event"] == "approval_requested");
  BOOST_TEST(asked["approval"] == "a-1");
  BOOST_TEST(asked["asked_for"] == "issue_certificate");
  BOOST_TEST(asked["about"] == "bank1");
  BOOST_TEST(asked["peer"] == room.agent.rule->name);
  const Json shown = room.ask(room.admin, "get_approval", {{"approval", "a-1"}})["ok"];
  BOOST_TEST(asked["content_sha256"] == shown["content_sha256"]);
  for (const char* decision : {"approve", "reject"}) {
    BOOST_TEST(room.code(room.agent, "submit_approval",
                         {{"approval", "a-1"}, {"approver", "alice"}, {"decision", decision}, {"signature", "AAAA"}}) ==
               "not_found");
    const Json vote = must(parse_json(room.last_record()));
    BOOST_TEST(vote["event"] == "submit_approval");
    BOOST_TEST(vote["decision"] == decision);
  }
  BOOST_TEST(room.code(room.admin, "approve", {{"approval", "a-1"}, {"decision", "approve"}}) == "forbidden");
  BOOST_TEST(must(parse_json(room.last_record()))["event"] == "approve");
  const std::size_t before = room.audit_lines();
  for (int i = 0; i < 20; ++i) (void)room.code(room.admin, "approve");  // they end as well
  BOOST_TEST(room.audit_lines() == before + 2);
}

BOOST_AUTO_TEST_CASE(PKI_9_the_next_certificate_comes_when_the_newest_is_old_enough) {
  Room room([](const PolicyFiles& files) {
    BOOST_REQUIRE(
        test::replace_in(files.profiles_dir / "dfsp-client.toml", "renew_from_days = 0", "renew_from_days = 547"));
  });
  using x509::Attribute;
  const auto csr = [](const std::string& name) {
    return test::make_csr(test::make_key(KeyType::ec_p256).get(), {{{Attribute::common_name, name}}, {}, {}});
  };
  const Json names = {{"cn", {"bank1", "other"}}, {"dns", Json::array()}, {"ip", Json::array()}};
  for (const char* id : {"bank1", "bank2"})
    BOOST_TEST(room.code(room.admin, "set_subject",
                         {{"subject", id},
                          {"organization", "Bank"},
                          {"country", "KE"},
                          {"names", std::string(id) == "bank1" ? names : Json::object()}}) == "ok");
  BOOST_TEST(room.issue("bank1", csr("bank1")) == "ok");
  BOOST_TEST(room.issue("bank1", csr("bank1")) == "policy_denied");
  BOOST_TEST(room.message.find("PKI-9") != std::string::npos, room.message);
  BOOST_TEST(room.issue("bank1", csr("other")) == "ok");         // other names
  BOOST_TEST(room.issue("bank1", csr("bank1"), "jws") == "ok");  // another profile
  BOOST_TEST(room.issue("bank2", csr("bank2")) == "ok");         // another participant
  const auto grow_older = [&](std::int64_t days) {
    must(room.registry().write([&](Database& database) -> Result<> {
      Statement update = TRY(database.prepare("UPDATE certificates SET not_before = not_before - ?"));
      return update.bind(days * 86400).run();
    }));
  };
  grow_older(546);
  BOOST_TEST(room.issue("bank1", csr("bank1")) == "policy_denied");
  grow_older(1);
  BOOST_TEST(room.issue("bank1", csr("bank1")) == "ok");
  // The new one counts now; the old one is valid as well.
  BOOST_TEST(room.issue("bank1", csr("bank1")) == "policy_denied");
}

BOOST_AUTO_TEST_CASE(PKI_9_an_intent_that_was_never_finished_is_in_nobodys_way_for_long) {
  Room room([](const PolicyFiles& files) {
    BOOST_REQUIRE(
        test::replace_in(files.profiles_dir / "dfsp-client.toml", "renew_from_days = 0", "renew_from_days = 547"));
  });
  BOOST_TEST(room.issue("bank1") == "ok");
  const auto unfinish = [&](int seconds) {
    must(room.registry().write([&](Database& database) -> Result<> {
      Statement update = TRY(database.prepare(
          "UPDATE certificates SET certificate = NULL, not_before = not_before - ? WHERE subject = 'bank1'"));
      return update.bind(std::int64_t{seconds}).run();
    }));
  };
  unfinish(0);
  BOOST_TEST(room.issue("bank1") == "policy_denied");  // it may be signed at this very moment
  unfinish(3700);
  BOOST_TEST(room.issue("bank1") == "ok");
}

BOOST_AUTO_TEST_CASE(what_was_recorded_as_issued_and_is_refused_after_all_is_recorded_whatever_the_flood) {
  Room room([](const PolicyFiles& files) { limit(files, "refusals", 1); });
  for (int i = 0; i < 3; ++i) BOOST_TEST(room.issue("bank1", "no CSR") == "bad_request");
  // A transaction that begins before the record and ends after it.
  std::thread revoking;
  bool recorded = false;
  room.signer().meanwhile([&] {
    std::promise<void> begun;
    revoking = std::thread([&] {
      must(room.registry().write([&](Database& database) -> Result<> {
        begun.set_value();
        recorded = test::until([&] { return room.last_record().find("certificate_sha256") != std::string::npos; });
        return revocation_table::set(database, {.ca = "hub-ca",
                                                .serial = TRY(certificate_table::list(database, {})).back().serial,
                                                .reason = ca::RevocationReason::cessation_of_operation,
                                                .at = {}});
      }));
    });
    begun.get_future().wait();
  });
  BOOST_TEST(room.issue("bank2") == "policy_denied");
  revoking.join();
  BOOST_TEST(recorded);
  BOOST_TEST(room.message.find("was revoked before it was issued") != std::string::npos, room.message);
  BOOST_TEST(room.last_record().find("policy_denied") != std::string::npos, room.last_record());
}

BOOST_AUTO_TEST_SUITE_END()
