// The operations about approvals through the dispatcher: what is refused, and that it is recorded.
#include <fmt/format.h>

#include "tests/support/until.h"
#include "tests/unit/daemon/approval_room.h"

using namespace hubseal;
using namespace hubseal::daemon;

BOOST_FIXTURE_TEST_SUITE(approval_operations, test::ApprovalRoom)

BOOST_AUTO_TEST_CASE(two_of_two_and_then_the_certificate_once) {
  add_alice_and_bob();
  BOOST_TEST(issue("r-1") == "approval_required");
  const std::string id = last["error"]["approval"];
  BOOST_TEST(vote(1001, id) == "ok");
  BOOST_TEST(issue("r-1") == "approval_required");
  BOOST_TEST(vote(1002, id) == "ok");
  BOOST_TEST(last["ok"]["state"] == "approved");
  BOOST_TEST(issue("r-1") == "ok");
  const Json certificate = last["ok"];
  BOOST_TEST(issue("r-1") == "ok");
  BOOST_TEST(last["ok"] == certificate);
  BOOST_TEST(ask(agent, "get_approval", {{"approval", id}})["ok"]["state"] == "used");
  const auto issued = records("issue_certificate");
  BOOST_TEST(issued.at(2)["approval"] == id);
}

BOOST_AUTO_TEST_CASE(the_first_approver_is_recorded_loudly_and_the_second_is_not_the_first_ones_friend_alone) {
  add_alice_and_bob();
  const auto intents = records("approver_intent");
  BOOST_REQUIRE(intents.size() == 2U);
  BOOST_TEST(intents[0]["bootstrap"] == true);
  BOOST_TEST(!intents[1].contains("bootstrap"));
  BOOST_TEST(intents[1]["approval"] == "a-1");
  // Who asks for an approver needs the others: alice cannot agree to her own wish.
  BOOST_TEST(add_uid("carol", 1003, 1001) == "approval_required");
  BOOST_TEST(vote(1001, last["error"]["approval"]) == "forbidden");
}

BOOST_AUTO_TEST_CASE(a_removal_needs_consent_and_leaves_enough) {
  add_alice_and_bob();
  BOOST_TEST(code(admin(0), "remove_approver", {{"name", "bob"}}) == "policy_denied");
  BOOST_TEST(add_uid("carol", 1003) == "approval_required");
  const std::string id = last["error"]["approval"];
  BOOST_TEST(vote(1001, id) == "ok");
  BOOST_TEST(vote(1002, id) == "ok");
  BOOST_TEST(add_uid("carol", 1003) == "ok");
  BOOST_TEST(code(admin(0), "remove_approver", {{"name", "bob"}}) == "approval_required");
  const std::string removal = last["error"]["approval"];
  BOOST_TEST(vote(1001, removal) == "ok");
  BOOST_TEST(vote(1003, removal) == "ok");
  BOOST_TEST(code(admin(0), "remove_approver", {{"name", "bob"}}) == "ok");
  BOOST_TEST(code(admin(0), "remove_approver", {{"name", "bob"}}) == "not_found");
  BOOST_TEST(ask(admin(0), "list_approvers")["ok"]["approvers"].size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_signature_is_good_for_its_own_request_decision_and_approver_only) {
  const PkeyPtr alice = test::make_key(KeyType::ec_p256);
  BOOST_REQUIRE(add_key("alice-card", alice.get()) == "ok");
  issue("r-1");
  const std::string id = last["error"]["approval"];
  issue("r-1", "dfsp-client", "bank2");
  const std::string other_bank = last["error"]["approval"];
  issue("r-2");
  const std::string other_request = last["error"]["approval"];
  const Bytes good = sign(alice.get(), id);
  BOOST_TEST(submit("alice-card", other_bank, good) == "bad_request");
  BOOST_TEST(submit("alice-card", other_request, good) == "bad_request");
  BOOST_TEST(submit("alice-card", id, good, "reject") == "bad_request");
  BOOST_TEST(submit("alice-card", id, sign(bank_key.get(), id)) == "bad_request");
  BOOST_TEST(submit("alice-card", "a-99", good) == "not_found");
  BOOST_TEST(submit("nobody", id, good) == "not_found");
  for (std::size_t i = 0; i < good.size(); i += 5) {
    Bytes altered = good;
    altered[i] ^= 0x10;
    BOOST_TEST(submit("alice-card", id, altered) == "bad_request", i);
  }
  BOOST_TEST(submit("alice-card", id, good) == "ok");
  BOOST_TEST(submit("alice-card", id, good) == "conflict");
  BOOST_TEST(submit("alice-card", other_bank, sign(alice.get(), other_bank, "reject"), "reject") == "ok");
  BOOST_TEST(last["ok"]["state"] == "rejected");
}

BOOST_AUTO_TEST_CASE(the_kind_of_an_approver_says_how_it_speaks) {
  const PkeyPtr alice = test::make_key(KeyType::ec_p256);
  BOOST_REQUIRE(add_key("alice-card", alice.get()) == "ok");
  issue("r-1");
  const std::string id = last["error"]["approval"];
  const Json vote = {{"approval", id}, {"approver", "alice-card"}, {"decision", "approve"}};
  Json both = vote;
  both["signature"] = to_base64(sign(alice.get(), id));
  both["webauthn"] = {{"authenticator_data", "AA"}, {"client_data_json", "AA"}, {"signature", "AA"}};
  BOOST_TEST(code(agent, "submit_approval", both) == "bad_request");
  both.erase("signature");
  BOOST_TEST(code(agent, "submit_approval", both) == "bad_request");
  BOOST_TEST(code(agent, "submit_approval", vote) == "bad_request");
  BOOST_TEST(code(admin(1001), "approve", {{"approval", id}, {"decision", "approve"}}) == "forbidden");
  BOOST_TEST(code(admin(1001), "approve", {{"approval", id}, {"decision", "maybe"}}) == "bad_request");
}

BOOST_AUTO_TEST_CASE(every_vote_and_every_refusal_of_one_is_recorded_with_who_and_what) {
  add_alice_and_bob();
  issue("r-1");
  const std::string id = last["error"]["approval"];
  vote(1001, id);
  vote(1001, id);
  vote(1009, id);
  const auto votes = records("approve");
  BOOST_REQUIRE(votes.size() == 4U);  // the first one let bob in
  const std::pair<const char*, int> expected[] = {{"ok", 1001}, {"conflict", 1001}, {"forbidden", 1009}};
  for (std::size_t i = 0; i < 3; ++i) {
    BOOST_TEST(votes[i + 1]["result"] == expected[i].first);
    BOOST_TEST(votes[i + 1]["uid"] == expected[i].second);
    BOOST_TEST(votes[i + 1]["approval"] == id);
    BOOST_TEST(votes[i + 1]["decision"] == "approve");
    BOOST_TEST(votes[i + 1]["asked_for"] == "issue_certificate");
    BOOST_TEST(votes[i + 1]["about"] == "bank1");
  }
  BOOST_TEST(votes[1]["approver"] == "alice");
  BOOST_TEST(records("vote_intent").size() == 3U);
}

BOOST_AUTO_TEST_CASE(an_approver_is_described_whole_or_not_at_all) {
  const std::string pem = test::must(public_key_pem(test::make_key(KeyType::ec_p256).get()));
  const std::string p384 = test::must(public_key_pem(test::make_key(KeyType::ec_p384).get()));
  const Json who = {{"name", "x"}, {"person", "x"}};
  const auto add = [&](Json more) {
    more.update(who);
    return code(admin(0), "add_approver", more);
  };
  BOOST_TEST(add({{"kind", "uid"}}) == "bad_request");
  BOOST_TEST(add({{"kind", "uid"}, {"uid", -1}}) == "bad_request");
  BOOST_TEST(add({{"kind", "uid"}, {"uid", 4294967295}}) == "bad_request");
  BOOST_TEST(add({{"kind", "uid"}, {"uid", 1}, {"public_key", pem}}) == "bad_request");
  BOOST_TEST(add({{"kind", "key"}}) == "bad_request");
  BOOST_TEST(add({{"kind", "key"}, {"public_key", "nonsense"}}) == "bad_request");
  BOOST_TEST(add({{"kind", "key"}, {"public_key", p384}}) == "policy_denied");
  const Json refused = {{"name", "x"}, {"person", "x"}, {"kind", "key"}, {"public_key", p384}};
  BOOST_TEST(ask(admin(0), "add_approver", refused)["error"]["message"] ==
             "the key of an approver is ec_p384; wanted P-256 or Ed25519");
  BOOST_TEST(add({{"kind", "key"}, {"public_key", pem}, {"rp_id", "h.example"}}) == "bad_request");
  BOOST_TEST(add({{"kind", "webauthn"}, {"public_key", pem}, {"credential_id", "AA"}}) == "bad_request");
  BOOST_TEST(add({{"kind", "webauthn"},
                  {"public_key", pem},
                  {"credential_id", "AA"},
                  {"rp_id", "h.example"},
                  {"origin", "https://evil.example"}}) == "bad_request");
  BOOST_TEST(add({{"kind", "webauthn"},
                  {"public_key", pem},
                  {"credential_id", "AA"},
                  {"rp_id", "h.example"},
                  {"origin", "https://h.example"}}) == "ok");
  BOOST_TEST(add({{"kind", "key"}, {"public_key", pem}}) == "conflict");
}

BOOST_AUTO_TEST_CASE(a_request_is_shown_with_the_certificate_before_it) {
  add_alice_and_bob();
  const auto approved = [&](const std::string& request) {
    issue(request);
    const std::string id = last["error"]["approval"];
    vote(1001, id);
    vote(1002, id);
    BOOST_REQUIRE(issue(request) == "ok");
    return id;
  };
  const std::string first = approved("r-1");
  const std::string serial = last["ok"]["serial"];
  const std::string old_key = to_hex(test::must(key_id_of(bank_key.get())));
  // Its not_before lies before its request: it is all the same the one that was agreed to, and not the one before.
  BOOST_TEST(!ask(agent, "get_approval", {{"approval", first}})["ok"].contains("previous"));
  bank_key = test::make_key(KeyType::ec_p256);
  csr = csr_of(bank_key.get());
  issue("r-2");
  const Json shown = ask(agent, "get_approval", {{"approval", last["error"]["approval"]}})["ok"];
  BOOST_REQUIRE(shown.contains("previous"));
  BOOST_TEST(shown["previous"]["serial"] == serial);
  BOOST_TEST(shown["previous"]["key_id"] == old_key);
  const Json content = test::must(parse_json(shown["content"].get<std::string>()));
  for (const char* member : {"ca", "profile", "subject", "distinguished_name", "dns", "ip", "validity_days"})
    BOOST_TEST(shown["previous"][member] == content[member], member);
  BOOST_TEST(content["key_id"] == to_hex(test::must(key_id_of(bank_key.get()))));
  BOOST_TEST(shown["content_sha256"] == to_hex(sha256(as_bytes(shown["content"].get<std::string>()))));
}

// An intent of long ago that could not be finished is older than what was issued since.
BOOST_AUTO_TEST_CASE(a_request_whose_certificate_was_begun_long_ago_is_shown_with_the_one_before_it_all_the_same) {
  add_alice_and_bob();
  std::string id;
  const auto issue_that_began = [&](const char* request, int days_ago) -> std::string {
    bank_key = test::make_key(KeyType::ec_p256);
    csr = csr_of(bank_key.get());
    issue(request);
    id = last["error"]["approval"];
    vote(1001, id);
    vote(1002, id);
    BOOST_REQUIRE_MESSAGE(issue(request) == "ok", last);
    const std::string serial = last["ok"]["serial"];
    test::must(registry().write([&](Database& database) {
      return database.execute(fmt::format("UPDATE certificates SET not_before = not_before - {} WHERE serial = '{}'",
                                          days_ago * 86400, serial)
                                  .c_str());
    }));
    return serial;
  };
  const std::string before = issue_that_began("r-1", 700);
  issue_that_began("r-2", 720);
  const Json shown = ask(agent, "get_approval", {{"approval", id}})["ok"];
  BOOST_REQUIRE(shown.contains("previous"));
  BOOST_TEST(shown["previous"]["serial"] == before);
}

// What a profile says shows in no CSR: whoever agrees must see that it is another one now.
BOOST_AUTO_TEST_CASE(what_another_version_of_the_profile_changes_is_shown_beside_the_certificate_before_it) {
  add_alice_and_bob();
  issue("r-1");
  const std::string first = last["error"]["approval"];
  vote(1001, first);
  vote(1002, first);
  BOOST_REQUIRE(issue("r-1") == "ok");
  const auto profile = policy_files().profiles_dir / "dfsp-client.toml";
  test::must_replace_in(profile, "[\"client_auth\"]", "[\"client_auth\", \"server_auth\"]");
  test::must_replace_in(profile, "[\"digital_signature\", \"key_encipherment\"]", "[\"digital_signature\"]");
  test::must_replace_in(profile, "crl_urls  = []", "crl_urls = [\"http://pki.example/{ca}.crl\"]");
  test::must_replace_in(profile, "policy_oids = []", "policy_oids = [\"1.3.6.1.4.1.5\"]");
  test::must_replace_in(profile, "ocsp_urls = []", "ocsp_urls = [\"http://pki.example/ocsp\"]");
  test::must_replace_in(profile, "validity_days    = 730", "validity_days = 365");
  BOOST_REQUIRE_MESSAGE(code(admin(0), "load_policy", Json::object()) == "ok", last);
  bank_key = test::make_key(KeyType::rsa_2048);
  csr = csr_of(bank_key.get());
  issue("r-2");
  const Json shown = ask(agent, "get_approval", {{"approval", last["error"]["approval"]}})["ok"];
  const Json content = test::must(parse_json(shown["content"].get<std::string>()));
  const Json& previous = shown["previous"];
  const auto is = [&](const char* member, const Json& before, const Json& now) {
    BOOST_TEST(previous[member] == before, member << " was " << previous[member]);
    BOOST_TEST(content[member] == now, member << " is " << content[member]);
  };
  is("extended_key_usage", {"client_auth"}, {"client_auth", "server_auth"});
  is("key_usage", {"digital_signature"}, {"digital_signature"});  // an EC key before: it enciphers nothing
  is("crl_urls", Json::array(), {"http://pki.example/hub-ca.crl"});
  is("ocsp_urls", Json::array(), {"http://pki.example/ocsp"});
  is("policy_oids", Json::array(), {"1.3.6.1.4.1.5"});
  is("validity_days", 730, 365);
  is("signature_algorithm", "ecdsa-with-SHA256", "ecdsa-with-SHA256");
}

// As an earlier hubseald wrote it, which showed less: those who agreed to it did not agree to what they did not see.
BOOST_AUTO_TEST_CASE(consent_to_a_request_that_showed_less_is_consent_to_nothing_else) {
  add_alice_and_bob();
  issue("r-1");
  const std::string whole = last["error"]["approval"];
  Json less =
      test::must(parse_json(ask(agent, "get_approval", {{"approval", whole}})["ok"]["content"].get<std::string>()));
  for (const char* member :
       {"key_usage", "extended_key_usage", "signature_algorithm", "policy_oids", "crl_urls", "ocsp_urls"})
    less.erase(member);
  const auto waits =
      room().approvals().authorize({.peer = agent.rule->name, .uid = 997}, *room().policies().current(), 2,
                                   {.operation = "issue_certificate", .about = "bank1", .content = less},
                                   [](const ApprovalRecord&) -> Result<> { return {}; });
  BOOST_REQUIRE((waits.error().code == Code::approval_required));
  const std::string old = waits.error().approval;
  BOOST_REQUIRE(old != whole);
  vote(1001, old);
  BOOST_REQUIRE(vote(1002, old) == "ok");
  BOOST_TEST(ask(agent, "get_approval", {{"approval", old}})["ok"]["state"] == "approved");
  BOOST_TEST(issue("r-1") == "approval_required");
  BOOST_TEST(last["error"]["approval"] == whole);
}

BOOST_AUTO_TEST_CASE(what_expires_is_recorded) {
  issue("r-1");
  const std::string id = last["error"]["approval"];
  test::must(
      registry().write([](Database& database) { return database.execute("UPDATE approvals SET expires_at = 1"); }));
  BOOST_TEST(ask(agent, "get_approval", {{"approval", id}})["ok"]["state"] == "expired");
  room().start_housekeeping();
  BOOST_REQUIRE(test::until([&] { return !records("approval_expired").empty(); }));
  BOOST_TEST(records("approval_expired").front()["approval"] == id);
}

BOOST_AUTO_TEST_SUITE_END()
