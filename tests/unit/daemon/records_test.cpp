// Who asked, as the kernel and systemd name it, stands in every record that a request leaves.
#include <systemd/sd-login.h>

#include <cstring>
#include <fstream>

#include <sys/socket.h>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "common/unique_fd.h"
#include "tests/support/must.h"
#include "tests/support/software_room.h"

using namespace hubseal;
using namespace hubseal::daemon;

// In place of libsystemd's, for this whole program: no test is a unit.
extern "C" int sd_peer_get_unit(int, char** unit) {
  *unit = ::strdup("a-bank-portal.service");
  return 0;
}

namespace {

struct Fixture : test::SoftwareRoom {
  std::vector<Json> records() const {
    std::vector<Json> found;
    std::ifstream file(audit_file());
    for (std::string line; std::getline(file, line);) found.push_back(test::must(parse_json(line)));
    return found;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(records, Fixture)

BOOST_AUTO_TEST_CASE(intent_result_and_refusal_say_which_process_of_which_user_group_and_unit_asked) {
  Peer peer = this->peer(Role::admin);
  peer.credentials = {.pid = 4711, .uid = 997, .gids = {996, 100}, .unit = "portal.service"};
  const std::size_t before = records().size();
  const Json key = {{"label", "hub-jws"}, {"type", "ec_p256"}, {"use", "jws"}};
  BOOST_TEST(ask(peer, "create_key", key).contains("ok"));
  BOOST_TEST(ask(peer, "create_key", key)["error"]["code"] == "conflict");
  const auto written = records();
  std::vector<std::pair<std::string, std::string>> seen;
  for (std::size_t i = before; i < written.size(); ++i) {
    Json record = written[i];
    seen.emplace_back(record["event"], record.value("result", "intent"));
    BOOST_TEST(record["peer"] == "admin", record);
    BOOST_TEST(record["pid"] == 4711, record);
    BOOST_TEST(record["uid"] == 997, record);
    BOOST_TEST(record["gid"] == 996, record);
    BOOST_TEST(record["unit"] == "portal.service", record);
  }
  const std::vector<std::pair<std::string, std::string>> wanted = {
      {"key_intent", "intent"}, {"create_key", "ok"}, {"key_intent", "intent"}, {"create_key", "conflict"}};
  BOOST_TEST((seen == wanted), Json(seen));
}

BOOST_AUTO_TEST_CASE(systemd_says_which_unit_is_at_the_other_end) {
  int ends[2];
  BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  const UniqueFd one(ends[0]), other(ends[1]);
  BOOST_TEST(test::must(peer_credentials(one.get())).unit == "a-bank-portal.service");
}

BOOST_AUTO_TEST_SUITE_END()
