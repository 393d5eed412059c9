// The operations that change a key's life, with a token that is away, hangs, or shows less than it had.
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "daemon/dispatch.h"
#include "tests/support/must.h"
#include "tests/support/software_room.h"

using namespace hubseal;
using namespace hubseal::daemon;

namespace {

/// With "old", a key that signs no more.
struct Room : test::SoftwareRoom {
  Room() {
    make_keys_and_ca();
    make("old");
    BOOST_REQUIRE(code("deactivate_key", "old") == "ok");
  }

  void make(const std::string& label, KeyUse use = KeyUse::jws) {
    test::must(room().keyring().create(label, KeyType::ec_p256, use));
  }
  KeyRecord record(const std::string& label) {
    for (KeyRecord& key : test::must(registry().read(key_table::list)))
      if (key.label == label) return std::move(key);
    return {};
  }
  /// "ok", or the code.
  std::string code(const char* operation, const std::string& label, Json fields = Json::object()) {
    fields["key"] = label;
    const Json answer = ask(admin, operation, fields);
    shown = answer.contains("ok") ? answer["ok"] : Json();
    message = answer.contains("error") ? answer["error"]["message"].get<std::string>() : "";
    return answer.contains("error") ? answer["error"]["code"].get<std::string>() : "ok";
  }
  std::string say_gone(const std::string& label) { return code("destroy_key", label, {{"gone", true}}); }
  void hide(std::initializer_list<const char*> labels) {
    std::set<KeyId> ids;
    for (const char* label : labels) ids.insert(record(label).id);
    signer().hide(ids);
  }
  /// What the housekeeper does on its day.
  Result<> destroy(const std::string& label) { return room().keyring().destroy(record(label)); }
  void is_destroyed(const std::string& label) {
    test::must(destroy(label));
    BOOST_TEST((record(label).life == KeyLife::destroyed));
  }
  Json health(const Peer& peer) { return ask(peer, "health")["ok"]; }

  const Peer admin = peer(Role::admin);
  Json shown;
  std::string message;
};

bool has(const Json& texts, const std::string& words) { return texts.dump().find(words) != std::string::npos; }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(key_operations, Room)

BOOST_AUTO_TEST_CASE(who_suspends_a_key_that_the_token_does_not_show_is_answered_without_a_look_at_the_token) {
  bool looked = false;
  hide({"hub-jws"});
  signer().meanwhile([&] { looked = true; });
  BOOST_TEST(code("suspend_key", "hub-jws") == "ok", message);
  BOOST_TEST(shown["state"] == "missing");
  BOOST_TEST(!looked);
  BOOST_TEST((record("hub-jws").life == KeyLife::suspended));
}

BOOST_AUTO_TEST_CASE(a_key_that_is_gone_for_good_ends_when_people_say_so_and_health_is_ready_again) {
  hide({"old"});
  BOOST_TEST(has(health(admin)["problems"], "key old is not in the token"));
  BOOST_TEST(code("destroy_key", "old") == "ok");
  BOOST_TEST(!shown.contains("may_be_gone"));
  BOOST_TEST(has(destroy("old").error().message, "hubseal key destroy --gone"));
  BOOST_TEST(has(health(admin)["problems"], "key old was to be destroyed and is not"));
  const Json day = shown["destroy_at"];
  BOOST_TEST(say_gone("old") == "ok", message);
  BOOST_TEST(shown["may_be_gone"] == true);
  BOOST_TEST(shown["destroy_at"] == day);
  BOOST_TEST(say_gone("old") == "conflict");
  const Json told = health(admin);
  BOOST_TEST(told["status"] == "ready", told.dump());
  BOOST_TEST(has(told["notes"], "key old is not in the token"), told.dump());
  is_destroyed("old");
  BOOST_TEST(health(admin)["status"] == "ready");
  BOOST_TEST(health(admin)["notes"].empty());
}

BOOST_AUTO_TEST_CASE(a_key_that_the_token_shows_is_not_gone_because_people_say_so) {
  BOOST_TEST(say_gone("old") == "conflict");
  BOOST_TEST(has(message, "is in the token"), message);
  // Nor is one that it shows when it is looked for.
  hide({"old"});
  signer().meanwhile([this] { signer().hide({}); });
  BOOST_TEST(say_gone("old") == "conflict");
  BOOST_TEST(!record("old").destroy_at.has_value());
}

BOOST_AUTO_TEST_CASE(a_key_that_people_call_gone_counts_as_destroyed_where_the_token_shows_all_others) {
  hide({"old", "hub-jws"});
  BOOST_REQUIRE(say_gone("old") == "ok");
  const auto refused = destroy("old");
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST(has(refused.error().message, "neither is"), refused.error().message);
  BOOST_TEST((record("old").life == KeyLife::deactivated));
  hide({"old"});
  is_destroyed("old");
}

BOOST_AUTO_TEST_CASE(keys_that_went_together_end_when_people_have_said_so_of_each) {
  make("older");
  BOOST_REQUIRE(code("deactivate_key", "older") == "ok");
  hide({"old", "older"});
  BOOST_REQUIRE(say_gone("old") == "ok");
  BOOST_TEST(!destroy("old").has_value());
  BOOST_REQUIRE(say_gone("older") == "ok");
  for (const char* key : {"old", "older"}) is_destroyed(key);
  BOOST_TEST(health(admin)["status"] == "ready");
}

BOOST_AUTO_TEST_CASE(a_key_that_people_called_gone_and_that_is_there_on_its_day_is_destroyed_in_the_token) {
  hide({"old"});
  BOOST_REQUIRE(say_gone("old") == "ok");
  signer().hide({});
  is_destroyed("old");
  for (const hsm::KeyInfo& key : test::must(signer().list_keys())) BOOST_TEST(key.label != "old");
}

BOOST_AUTO_TEST_CASE(of_hubsealds_own_keys_people_can_say_that_the_token_has_lost_one_and_change_nothing_else) {
  make("hubseal-ocsp-1", KeyUse::ocsp);
  for (const char* step : {"suspend_key", "deactivate_key", "destroy_key", "keep_key"})
    BOOST_TEST(code(step, "hubseal-ocsp-1") == "policy_denied");
  BOOST_TEST(say_gone("hubseal-ocsp-1") == "conflict");  // it is there
  hide({"hubseal-ocsp-1"});
  BOOST_TEST(say_gone("hubseal-ocsp-1") == "ok", message);
  BOOST_TEST((record("hubseal-ocsp-1").life == KeyLife::deactivated));
  for (const char* step : {"deactivate_key", "destroy_key", "keep_key"})
    BOOST_TEST(code(step, "hubseal-ocsp-1") == "policy_denied");
  BOOST_TEST(health(admin)["status"] == "ready");
  is_destroyed("hubseal-ocsp-1");
  make("hubseal-log", KeyUse::audit);
  hide({"hubseal-log"});
  BOOST_TEST(say_gone("hubseal-log") == "policy_denied");
}

BOOST_AUTO_TEST_CASE(an_ocsp_key_that_was_retired_and_is_gone_ends_on_its_day_when_people_say_so) {
  make("hubseal-ocsp-1", KeyUse::ocsp);
  hide({"hubseal-ocsp-1"});
  test::must(room().keyring().retire_own("hubseal-ocsp-1", SystemClock().now()));
  const auto day = record("hubseal-ocsp-1").destroy_at;
  BOOST_TEST(!destroy("hubseal-ocsp-1").has_value());
  BOOST_TEST(say_gone("hubseal-ocsp-1") == "ok", message);
  BOOST_TEST((record("hubseal-ocsp-1").destroy_at == day));
  is_destroyed("hubseal-ocsp-1");
}

BOOST_AUTO_TEST_CASE(who_keeps_a_key_that_may_be_gone_is_told_and_only_the_token_takes_that_back) {
  BOOST_REQUIRE(code("destroy_key", "old") == "ok");
  signer().fail_after_destroying();  // and the registry learns nothing of it
  BOOST_TEST(!destroy("old").has_value());
  BOOST_TEST(code("keep_key", "old") == "ok", message);
  BOOST_TEST(shown["state"] == "missing");
  BOOST_TEST(shown["may_be_gone"] == true);
  BOOST_TEST(has(health(admin)["problems"], "key old is not in the token"));
  BOOST_TEST(code("destroy_key", "old") == "ok");
  is_destroyed("old");
}

BOOST_AUTO_TEST_CASE(a_key_that_was_called_gone_and_is_there_after_all_is_kept_as_if_nothing_had_been_said) {
  for (const char* step : {"keep_key", "activate_key"}) {
    make(step);
    test::must(registry().write([&](Database& database) {
      KeyRecord key = record(step);
      key.life = KeyLife::pre_activation;
      return key_table::update(database, key);
    }));
    restart();
    hide({step});
    BOOST_REQUIRE(say_gone(step) == "ok");
    signer().hide({});
    BOOST_TEST(code(step, step) == "ok", message);
    BOOST_TEST(!record(step).destruction_begun);
    BOOST_TEST(!record(step).destroy_at.has_value());
  }
}

BOOST_AUTO_TEST_CASE(why_a_key_was_not_destroyed_is_told_to_the_security_team_only) {
  BOOST_REQUIRE(code("destroy_key", "old") == "ok");
  signer().refuse_to_destroy();
  const std::string reason = destroy("old").error().message;
  for (const auto& [word, role] : kRoles) {
    const Json problems = health(peer(role))["problems"];
    BOOST_TEST(has(problems, "key old was to be destroyed and is not"), word);
    BOOST_TEST(has(problems, reason) == (role == Role::admin), word);
  }
}

BOOST_AUTO_TEST_SUITE_END()
