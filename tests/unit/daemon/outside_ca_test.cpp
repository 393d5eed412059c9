// What may happen while a CA is brought in from outside.
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "common/x509/csr.h"
#include "tests/support/must.h"
#include "tests/support/outside_root.h"
#include "tests/support/software_room.h"

using namespace hubseal;
using namespace hubseal::daemon;
using test::must;

namespace {

struct Fixture : test::SoftwareRoom {
  Fixture() {
    const Json subject = {{"common_name", "Example Hub Root CA"}, {"organization", "Example Hub"}, {"country", "KE"}};
    made("create_key", {{"label", "hub-sub"}, {"type", "ec_p256"}, {"use", "ca"}});
    const std::string csr = made("create_ca", {{"ca", "hub-sub"},
                                               {"key", "hub-sub"},
                                               {"profile", "test-root"},
                                               {"subject", subject},
                                               {"form", "csr"}})["csr"];
    install = {{"ca", "hub-sub"},
               {"certificate", outside.certify(must(x509::Csr::parse(csr)).spki(), csr)},
               {"chain", outside.pem()}};
  }

  Json made(std::string_view op, Json fields) {
    Json reply = ask(admin, op, std::move(fields));
    BOOST_REQUIRE_MESSAGE(reply.contains("ok"), dump_json(reply));
    return reply["ok"];
  }
  void enter(KeyLife life) {
    const auto change = [&](KeyRecord& key) { return enter_life(key, life, key.changed_at + std::chrono::seconds(1)); };
    must(room().keyring().change("hub-sub", change, Grant()));
  }

  const Peer admin = peer(Role::admin);
  const test::OutsideRoot outside;
  Json install;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(outside_ca, Fixture)

BOOST_AUTO_TEST_CASE(a_key_that_is_stopped_while_its_certificate_is_checked_becomes_no_ca) {
  signer().meanwhile([&] { enter(KeyLife::suspended); });
  const Json refused = ask(admin, "install_ca", install);
  BOOST_REQUIRE_MESSAGE(refused.contains("error"), dump_json(refused));
  BOOST_TEST(refused["error"]["code"] == "policy_denied");
  BOOST_TEST(!made("get_ca", {{"ca", "hub-sub"}}).contains("certificate"));
  enter(KeyLife::active);
  BOOST_TEST(made("install_ca", install)["state"] == "active");
}

BOOST_AUTO_TEST_SUITE_END()
