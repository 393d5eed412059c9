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
