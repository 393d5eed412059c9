// NIST SP 800-57 part 1, section 7, as docs/PROTOCOL.md has it in its tables: which state follows which, and what each
// allows.
#include <map>
#include <set>

#include <openssl/ocsp.h>
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "daemon/dispatch.h"
#include "tests/support/ca_fixture.h"
#include "tests/support/must.h"
#include "tests/support/replace_in.h"
#include "tests/support/software_room.h"
#include "tests/unit/daemon/ocsp_room.h"

using namespace hubseal;
using namespace hubseal::daemon;
using enum KeyLife;

namespace {

/// Destroyed comes from the token, and not by a step that somebody asks for.
const std::map<KeyLife, std::set<KeyLife>> kSteps = {
    {pre_activation, {active, compromised}},
    {active, {suspended, deactivated, compromised}},
    {suspended, {active, deactivated, compromised}},
    {deactivated, {compromised}},
    {compromised, {}},
    {destroyed, {}},
};

/// Keys are destroyed when the clock says so: never by themselves here.
struct Room : test::SoftwareRoom {
  Room()
      : SoftwareRoom([](const PolicyFiles& files) {
          test::must_replace_in(files.policy_file, "destroy_delay_hours = 0", "destroy_delay_hours = 24");
        }) {
    make_keys_and_ca();
    for (int n = 1; n < 100; ++n) rule.keys.push_back(label_of(n));
  }

  static std::string label_of(int number) { return "key-" + std::to_string(number); }

  std::string code(std::string_view op, const Json& fields) {
    const Json reply = ask(admin, op, fields);
    return reply.contains("error") ? reply["error"]["code"].get<std::string>() : "ok";
  }
  std::string step(std::string_view op, const std::string& key) { return code(op, {{"key", key}}); }

  /// A new key that has been brought there.
  std::string key_in(KeyLife life) {
    const std::string label = label_of(++keys);
    Json made = {{"label", label}, {"type", "ec_p256"}, {"use", "jws"}};
    if (life == pre_activation) made["state"] = "pre_activation";
    BOOST_REQUIRE(code("create_key", made) == "ok");
    if (life == suspended) BOOST_REQUIRE(step("suspend_key", label) == "ok");
    if (life == deactivated || life == destroyed) BOOST_REQUIRE(step("deactivate_key", label) == "ok");
    if (life == compromised) BOOST_REQUIRE(code("deactivate_key", {{"key", label}, {"compromised", true}}) == "ok");
    if (life == destroyed) {
      BOOST_REQUIRE(step("destroy_key", label) == "ok");
      const KeyRecord record = test::must(room().keyring().check(label, [](KeyRecord&) -> Result<> { return {}; }));
      test::must(room().keyring().destroy(record));
    }
    BOOST_TEST_REQUIRE(state_of(label) == to_string(life));
    return label;
  }
  std::string state_of(const std::string& label) {
    const Json listed = ask(admin, "list_keys");
    for (const Json& key : listed["ok"]["keys"])
      if (key["label"] == label) return key["state"];
    return "absent";
  }

  PeerRule rule = *peer(Role::admin).rule;
  Peer admin = {&rule, peer(Role::admin).credentials};
  int keys = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(key_states)

BOOST_AUTO_TEST_CASE(NIST_SP_800_57_part_1_a_state_is_followed_by_those_of_the_standard_and_by_no_other) {
  for (const auto& [from_word, from] : kKeyLives)
    for (const auto& [to_word, to] : kKeyLives) {
      KeyRecord key{.label = "k", .life = from, .changed_at = TimePoint(std::chrono::seconds(1))};
      const TimePoint now(std::chrono::seconds(2));
      const bool follows = kSteps.at(from).contains(to);
      const auto entered = enter_life(key, to, now);
      BOOST_TEST(entered.has_value() == follows, from_word << " to " << to_word);
      BOOST_TEST((key.life == (follows ? to : from)));
      BOOST_TEST((key.changed_at == (follows ? now : TimePoint(std::chrono::seconds(1)))));
      BOOST_TEST(key.compromised_at.has_value() == (follows && to == compromised));
      if (!follows) BOOST_TEST((entered.error().code == Code::conflict));
    }
}

BOOST_FIXTURE_TEST_CASE(NIST_SP_800_57_part_1_each_state_allows_what_the_table_says_and_nothing_else, Room) {
  struct Row {
    KeyLife life;
    const char *sign, *show, *activate, *suspend, *deactivate, *compromise, *destroy, *keep;
  };
  const char *yes = "ok", *no = "conflict", *denied = "policy_denied";
  for (const Row& row : {
           Row{pre_activation, denied, yes, yes, no, no, yes, yes, no},
           Row{active, yes, yes, no, yes, yes, yes, no, no},
           Row{suspended, denied, yes, yes, no, yes, yes, no, no},
           Row{deactivated, denied, yes, no, no, no, yes, yes, no},
           Row{compromised, denied, yes, no, no, no, no, yes, no},
           Row{destroyed, denied, "hsm_unavailable", no, no, no, no, no, no},
       }) {
    const auto ask_new = [&](std::string_view op, Json fields = Json::object()) {
      fields["key"] = key_in(row.life);
      return code(op, fields);
    };
    BOOST_TEST_CONTEXT(to_string(row.life)) {
      BOOST_TEST(ask_new("sign_jws", {{"payload", "e30"}}) == row.sign);
      BOOST_TEST(ask_new("get_public_key") == row.show);
      BOOST_TEST(ask_new("activate_key") == row.activate);
      BOOST_TEST(ask_new("suspend_key") == row.suspend);
      BOOST_TEST(ask_new("deactivate_key") == row.deactivate);
      BOOST_TEST(ask_new("deactivate_key", {{"compromised", true}}) == row.compromise);
      BOOST_TEST(ask_new("destroy_key") == row.destroy);
      BOOST_TEST(ask_new("keep_key") == row.keep);
    }
  }
}

BOOST_FIXTURE_TEST_CASE(what_is_to_be_destroyed_can_be_kept_and_signs_nothing_in_any_state, Room) {
  for (const KeyLife life : {pre_activation, deactivated, compromised}) {
    const std::string key = key_in(life);
    BOOST_REQUIRE(step("destroy_key", key) == "ok");
    BOOST_TEST(step("destroy_key", key) == "conflict");
    BOOST_TEST(code("sign_jws", {{"key", key}, {"payload", "e30"}}) == "policy_denied");
    BOOST_TEST(step("keep_key", key) == "ok");
    BOOST_TEST(state_of(key) == to_string(life));
  }
}

// A CA says who is revoked for as long as it may be believed, and no longer.
BOOST_FIXTURE_TEST_CASE(a_ca_makes_lists_with_an_active_key_only, Room) {
  const auto issue = [&](const std::string& request) -> std::string {
    const std::string csr = test::make_csr(test::make_key(KeyType::ec_p256).get());
    return ask(admin, "issue_certificate",
               {{"ca", "hub-ca"},
                {"profile", "dfsp-client"},
                {"subject", "bank1"},
                {"request", request},
                {"csr", csr}})["ok"]["serial"];
  };
  const auto revoke = [&](const std::string& serial) {
    return ask(admin, "revoke_certificate", {{"ca", "hub-ca"}, {"serial", serial}, {"reason", "superseded"}})["ok"];
  };
  const auto number = [&] { return ask(admin, "get_crl", {{"ca", "hub-ca"}})["ok"]["number"].get<int>(); };
  const std::string first = issue("r-1"), second = issue("r-2");
  const int before = number();
  BOOST_REQUIRE(step("suspend_key", "hub-ca") == "ok");
  BOOST_TEST(!revoke(first).contains("crl_number"));
  BOOST_TEST(number() == before);
  BOOST_REQUIRE(step("activate_key", "hub-ca") == "ok");
  BOOST_TEST(revoke(second)["crl_number"].get<int>() > before);
  BOOST_TEST(step("deactivate_key", "hub-ca") == "policy_denied");  // its lists are needed
  BOOST_REQUIRE(code("deactivate_key", {{"key", "hub-ca"}, {"compromised", true}}) == "ok");
  BOOST_TEST(step("destroy_key", "hub-ca") == "ok");  // nobody may believe it any more
}

// The responder's key is another one: it answers on while the CA's rests, and is made by an active one.
BOOST_AUTO_TEST_CASE(a_ca_vouches_for_a_responder_with_an_active_key_only) {
  const auto enter = [](test::ocsp::Room& room, KeyLife life) {
    test::must(room.keyring->change(
        "hub-ca", [&](KeyRecord& key) { return enter_life(key, life, room.clock.now()); }, Grant()));
  };
  test::ocsp::Room room;
  enter(room, suspended);
  BOOST_TEST(room.ask("0123456789").outcome == OCSP_RESPONSE_STATUS_TRYLATER);
  enter(room, active);
  room.pass(std::chrono::minutes(10));  // an attempt that failed is not repeated at once
  BOOST_TEST(room.ask("0123456789").status == "good");
  enter(room, suspended);
  BOOST_TEST(room.ask("0123456789").status == "good");
  enter(room, compromised);
  BOOST_TEST(room.ask("0123456789").outcome == OCSP_RESPONSE_STATUS_UNAUTHORIZED);
}

BOOST_AUTO_TEST_SUITE_END()
