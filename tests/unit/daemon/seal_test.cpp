#include "daemon/seal.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/ca_fixture.h"
#include "tests/support/must.h"
#include "tests/support/software_room.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;
using namespace hubseal::daemon;
using test::must;

BOOST_AUTO_TEST_SUITE(seal)

BOOST_AUTO_TEST_CASE(a_seal_that_could_not_be_written_is_lifted_by_nobody_who_has_not_seen_it) {
  const test::TempDir folder;
  const auto registry = must(Registry::open(folder.path()));
  Gate gate;
  Seal seal(*registry, gate);
  const auto rename = [&](const char* sql) {
    must(registry->write([&](Database& database) { return database.execute(sql); }));
  };
  rename("ALTER TABLE seal RENAME TO away");
  BOOST_TEST((seal.set({.at = {}, .peer = "p", .uid = 1, .reason = "r"}).error().code == Code::storage_unavailable));
  rename("ALTER TABLE away RENAME TO seal");
  // As who accepts a rollback that showed no seal.
  BOOST_TEST((seal.lift(std::nullopt, Grant()).error().code == Code::conflict));
  BOOST_TEST((gate.enter().error().code == Code::sealed));
  const auto shown = seal.record();
  BOOST_TEST_REQUIRE(shown.has_value());
  BOOST_TEST(shown->reason == "r");
  must(seal.lift(shown, Grant()));
  BOOST_TEST(gate.enter().has_value());
  BOOST_TEST(!seal.record().has_value());
}

// No housekeeper runs here, which signs it at once where it does.
BOOST_AUTO_TEST_CASE(a_list_that_a_seal_kept_from_being_signed_is_signed_when_people_look_and_not_for_programs) {
  test::SoftwareRoom room;
  room.make_keys_and_ca();
  const Peer admin = room.peer(Role::admin), agent = room.peer(Role::agent);
  const auto ok = [&](const Peer& peer, const char* operation, const Json& fields = Json::object()) {
    const Json reply = room.ask(peer, operation, fields);
    BOOST_REQUIRE_MESSAGE(reply.contains("ok"), reply.dump());
    return reply["ok"];
  };
  const auto number = [&] { return ok(admin, "get_crl", {{"ca", "hub-ca"}})["number"].get<int>(); };
  const Json issued = ok(agent, "issue_certificate",
                         {{"ca", "hub-ca"},
                          {"profile", "dfsp-client"},
                          {"subject", "bank1"},
                          {"request", "r-1"},
                          {"csr", test::make_csr(test::make_key(KeyType::ec_p256).get())}});
  const int before = number();
  ok(admin, "seal", {{"reason", "drill"}});
  ok(admin, "revoke_certificate", {{"ca", "hub-ca"}, {"serial", issued["serial"]}, {"reason", "superseded"}});
  ok(admin, "unseal");
  const std::size_t records = room.room().audit().records();
  BOOST_TEST(ok(agent, "health")["problems"].size() == 1U);
  BOOST_TEST(number() == before);
  BOOST_TEST(room.room().audit().records() == records);
  BOOST_TEST(ok(admin, "health")["problems"].empty());
  BOOST_TEST(number() == before + 1);
}

BOOST_AUTO_TEST_SUITE_END()
