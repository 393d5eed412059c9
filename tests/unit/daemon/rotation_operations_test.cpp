// The operations of a rotation as peers ask for them: who may, what is recorded, what a service sees.
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "daemon/dispatch.h"
#include "tests/support/must.h"
#include "tests/support/software_room.h"

using namespace hubseal;
using namespace hubseal::daemon;

namespace {

/// "hub-jws" signs; "stranger" is a key for JWS as well.
struct Room : test::SoftwareRoom {
  Room() { make_keys_and_ca(); }

  std::string code(const Peer& who, const char* operation, Json fields = Json::object()) {
    const Json answer = ask(who, operation, std::move(fields));
    shown = answer.contains("ok") ? answer["ok"] : Json();
    message = answer.contains("error") ? answer["error"]["message"].get<std::string>() : "";
    return answer.contains("error") ? answer["error"]["code"].get<std::string>() : "ok";
  }
  std::string rotate(Json fields = Json::object()) {
    if (!fields.contains("key")) fields["key"] = "hub-jws";
    return code(admin, "rotate_jws_key", std::move(fields));
  }
  std::string advance(const char* to) { return code(admin, "advance_rotation", {{"key", "hub-jws"}, {"to", to}}); }
  std::string cancel() { return code(admin, "cancel_rotation", {{"key", "hub-jws"}}); }
  void bring_to(std::initializer_list<const char*> steps) {
    BOOST_TEST_REQUIRE(rotate() == "ok", message);
    for (const char* to : steps) BOOST_TEST_REQUIRE(advance(to) == "ok", message);
  }
  std::string make(const std::string& label, Json more = Json::object()) {
    more.update(Json{{"label", label}, {"type", "ec_p256"}, {"use", "jws"}});
    return code(admin, "create_key", more);
  }
  std::string sign(const char* key) {
    return code(service, "sign_fspiop",
                {{"key", key}, {"method", "PUT"}, {"uri", "/quotes/1"}, {"source", "hub"}, {"body", "e30"}});
  }
  /// Labels in the order of the answer, with "!" after the one that its line signs with.
  std::string jwks() {
    std::string labels;
    const Json answer = ask(admin, "get_jwks");
    for (const Json& key : answer["ok"]["keys"])
      labels += key["label"].get<std::string>() + (key["signs"].get<bool>() ? "! " : " ");
    return labels;
  }
  Json listed(const std::string& label) {
    const Json answer = ask(admin, "list_keys");
    for (const Json& key : answer["ok"]["keys"])
      if (key["label"] == label) return key;
    return {};
  }

  const Peer admin = peer(Role::admin);
  const Peer service = peer(Role::jws);
  Json shown;
  std::string message;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(rotation_operations, Room)

BOOST_AUTO_TEST_CASE(a_service_asks_for_the_same_name_and_the_record_names_the_key_that_signed) {
  BOOST_TEST(sign("hub-jws") == "ok");
  BOOST_TEST(shown["key"] == "hub-jws");
  bring_to({"published"});
  BOOST_TEST(jwks() == "hub-jws! hub-jws-2 ");
  BOOST_TEST(sign("hub-jws") == "ok");
  BOOST_TEST(shown["key"] == "hub-jws");
  BOOST_TEST(!records("sign_fspiop").back().contains("asked_for_key"));
  BOOST_TEST(advance("activated") == "ok");
  BOOST_TEST(jwks() == "hub-jws hub-jws-2! ");
  BOOST_TEST(sign("hub-jws") == "ok");
  BOOST_TEST(shown["key"] == "hub-jws-2");
  BOOST_TEST(shown["key_id"] == listed("hub-jws-2")["key_id"]);
  const Json record = records("sign_fspiop").back();
  BOOST_TEST(record["key"] == "hub-jws-2");
  BOOST_TEST(record["asked_for_key"] == "hub-jws");
  BOOST_TEST(code(service, "sign_jws", {{"key", "hub-jws"}, {"payload", "e30"}}) == "ok");
  BOOST_TEST(records("sign_jws").back()["key"] == "hub-jws-2");
  BOOST_TEST(listed("hub-jws-2")["line"] == "hub-jws");
  BOOST_TEST(listed("hub-jws")["successor"] == "hub-jws-2");
  // Who stops the key of a name that services ask for is told that another signs.
  BOOST_TEST(code(admin, "suspend_key", {{"key", "hub-jws"}}) == "ok");
  BOOST_TEST(shown["successor"] == "hub-jws-2");
  BOOST_TEST(code(admin, "get_public_key", {{"key", "hub-jws-2"}}) == "ok");
  BOOST_TEST(shown["line"] == "hub-jws");
}

BOOST_AUTO_TEST_CASE(a_peer_may_use_successors_by_the_name_that_it_may_use_and_by_no_other) {
  bring_to({"published", "activated"});
  BOOST_TEST(sign("hub-jws-2") == "forbidden");
  BOOST_TEST(records("sign_fspiop").back()["key"] == "hub-jws-2");
  BOOST_TEST(sign("hub-jws") == "ok");
}

BOOST_AUTO_TEST_CASE(a_stranger_of_the_next_name_is_in_no_line_and_the_next_key_gets_another) {
  BOOST_REQUIRE(make("hub-jws-2") == "ok");
  test::must(signer().generate_key(KeyType::ec_p256, "hub-jws-3"));  // of a rotation that was interrupted
  bring_to({"published", "activated"});
  BOOST_TEST(shown["key"] == "hub-jws-4");
  BOOST_TEST(sign("hub-jws") == "ok");
  BOOST_TEST(shown["key"] == "hub-jws-4");
  BOOST_TEST(!listed("hub-jws-2").contains("line"));
  BOOST_TEST(rotate({{"label", "hub-jws-2"}}) == "conflict");
}

BOOST_AUTO_TEST_CASE(only_who_manages_keys_rotates_them_and_on_no_socket_but_admin) {
  const Peer reader = peer(Role::admin, {Permission::read_keys, Permission::create_key});
  const Peer agent = peer(Role::agent);
  for (const Peer* who : {&reader, &agent, &service}) {
    BOOST_TEST(code(*who, "rotate_jws_key", {{"key", "hub-jws"}}) == "forbidden");
    BOOST_TEST(code(*who, "advance_rotation", {{"key", "hub-jws"}, {"to", "published"}}) == "forbidden");
    BOOST_TEST(code(*who, "cancel_rotation", {{"key", "hub-jws"}}) == "forbidden");
  }
  BOOST_TEST(code(agent, "list_rotations") == "ok");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_rotated_is_refused_before_a_key_is_made) {
  BOOST_REQUIRE(make("later", {{"state", "pre_activation"}}) == "ok");
  BOOST_TEST(rotate({{"key", "hub-ca"}}) == "forbidden");
  BOOST_TEST(rotate({{"key", "nobody"}}) == "forbidden");
  BOOST_TEST(rotate({{"key", "later"}}) == "conflict");
  BOOST_TEST(rotate({{"type", "rsa_4096"}}) == "policy_denied");
  BOOST_TEST(rotate({{"type", "ec_p384"}}) == "bad_request");  // no message could be signed from then on
  BOOST_TEST(rotate({{"algorithm", "RS384"}}) == "bad_request");
  BOOST_TEST(rotate({{"algorithm", "none"}}) == "bad_request");
  BOOST_TEST(rotate({{"activate_hours", 8761}}) == "bad_request");
  BOOST_TEST(rotate({{"activate_hours", -1}}) == "bad_request");
  BOOST_TEST(rotate({{"destroy_hours", 23}}) == "bad_request");  // verifiers are shown it for 24
  BOOST_TEST(rotate({{"label", "hub-ca"}}) == "conflict");
  BOOST_TEST(rotate({{"overlap_hours", 1}}) == "bad_request");
  BOOST_TEST(code(admin, "list_rotations") == "ok");
  BOOST_TEST(shown["rotations"].empty());
  BOOST_TEST(rotate() == "ok", message);
  BOOST_TEST(rotate() == "conflict");
}

BOOST_AUTO_TEST_CASE(a_label_that_the_line_has_already_is_refused_and_leaves_the_line_as_it_is) {
  BOOST_TEST(rotate({{"label", "hub-jws"}}) == "conflict");
  bring_to({"published", "activated", "retired"});
  for (const char* label : {"hub-jws", "hub-jws-2"}) {
    BOOST_TEST(rotate({{"label", label}}) == "conflict");
    BOOST_TEST(sign("hub-jws") == "ok", message);
    BOOST_TEST(shown["key"] == "hub-jws-2");
    BOOST_TEST(code(admin, "destroy_key", {{"key", "hub-jws"}}) == "policy_denied");
  }
  BOOST_TEST(rotate() == "ok", message);
  BOOST_REQUIRE(cancel() == "ok");
  BOOST_TEST(rotate({{"label", "hub-jws-3"}}) == "conflict");
  BOOST_TEST(ask(admin, "list_rotations")["ok"]["rotations"].size() == 2U);
}

BOOST_AUTO_TEST_CASE(the_next_key_is_as_the_one_before_unless_it_is_said_otherwise) {
  BOOST_REQUIRE(code(admin, "create_key",
                     {{"label", "rsa"}, {"type", "rsa_2048"}, {"use", "jws"}, {"algorithm", "RS512"}}) == "ok");
  BOOST_TEST(rotate({{"key", "rsa"}}) == "ok");
  BOOST_TEST(listed("rsa-2")["algorithm"] == "RS512");
  BOOST_TEST(listed("rsa-2")["type"] == "rsa_2048");
  BOOST_REQUIRE(code(admin, "cancel_rotation", {{"key", "rsa"}}) == "ok");
  BOOST_TEST(rotate({{"key", "rsa"}, {"type", "ec_p256"}}) == "ok");
  BOOST_TEST(!listed("rsa-3").contains("algorithm"));
}

BOOST_AUTO_TEST_CASE(what_a_rotation_does_by_step_no_other_operation_does_around_it) {
  bring_to({"published"});
  BOOST_TEST(code(admin, "activate_key", {{"key", "hub-jws-2"}}) == "policy_denied");
  BOOST_TEST(code(admin, "destroy_key", {{"key", "hub-jws-2"}}) == "policy_denied");
  BOOST_TEST(advance("retired") == "conflict");
  BOOST_TEST(advance("withdrawn") == "bad_request");
  for (const char* to : {"activated", "retired"}) BOOST_TEST(advance(to) == "ok", message);
  BOOST_TEST(code(admin, "destroy_key", {{"key", "hub-jws"}}) == "policy_denied");
  BOOST_TEST(advance("ended") == "policy_denied");
  BOOST_TEST(cancel() == "conflict");
  BOOST_TEST(jwks() == "hub-jws hub-jws-2! ");
  const auto nothing = [](Database&) -> Result<> { return {}; };
  Rotations& rotations = room().rotations();
  test::must(rotations.step(rotations.list().back(), RotationStep::withdrawn, {}, nothing));
  BOOST_TEST(jwks() == "hub-jws-2! ");
  BOOST_TEST(advance("ended") == "ok", message);
  BOOST_TEST(listed("hub-jws").contains("destroy_at"));
  BOOST_TEST(code(admin, "keep_key", {{"key", "hub-jws"}}) == "ok");
}

BOOST_AUTO_TEST_CASE(each_step_is_intended_and_done_in_the_log_and_nothing_moves_while_hubseald_is_sealed) {
  bring_to({});
  BOOST_TEST(records("key_intent").back()["successor"] == "hub-jws-2");
  BOOST_TEST(records("rotate_jws_key").back()["from"] == "hub-jws");
  BOOST_REQUIRE(code(admin, "seal", {{"reason", "a drill"}}) == "ok");
  BOOST_TEST(advance("published") == "sealed");
  BOOST_TEST(rotate() == "sealed");
  BOOST_REQUIRE(code(admin, "unseal") == "ok");
  BOOST_TEST(advance("published") == "ok");
  for (const char* event : {"advance_rotation_intent", "advance_rotation"}) {
    const Json record = records(event).back();
    BOOST_TEST(record["key"] == "hub-jws");
    BOOST_TEST(record["successor"] == "hub-jws-2");
    BOOST_TEST(record["step"] == "prepared");
    BOOST_TEST(record["to"] == "published");
  }
  BOOST_TEST(cancel() == "ok");
  BOOST_TEST(shown["step"] == "cancelled");
  BOOST_TEST(records("cancel_rotation_intent").size() == 1U);
  BOOST_TEST(jwks() == "hub-jws! ");
}

BOOST_AUTO_TEST_CASE(a_step_that_was_due_and_could_not_be_made_is_told_in_health) {
  BOOST_TEST(rotate({{"activate_hours", 1}}) == "ok");
  Rotations& rotations = room().rotations();
  rotations.note_trouble(rotations.list().back(), "the disk is full");
  const std::string problems = ask(admin, "health")["ok"]["problems"].dump();
  BOOST_TEST(problems.find("from key hub-jws to hub-jws-2") != std::string::npos, problems);
  BOOST_TEST(problems.find("the disk is full") != std::string::npos, problems);
  const std::string of_service = ask(service, "health")["ok"]["problems"].dump();
  BOOST_TEST(of_service.find("from key hub-jws to hub-jws-2") != std::string::npos, of_service);
  BOOST_TEST(of_service.find("the disk is full") == std::string::npos, of_service);  // what is within is the team's
  BOOST_TEST(advance("activated") == "ok");
  BOOST_TEST(ask(admin, "health")["ok"]["status"] == "ready");
}

BOOST_AUTO_TEST_SUITE_END()
