#include "agent/service/ping_watcher.h"

#include <map>

#include <boost/test/unit_test.hpp>

#include "agent/http/ping_client.h"
#include "agent/store/database.h"
#include "tests/support/until.h"
#include "tests/unit/agent/agent_support.h"

using namespace hubseal;
using namespace hubseal::agent;
using namespace hubseal::agent::test;

namespace {

/// Ten DFSPs and a ping server that counts who is asked about at the same time.
struct Bench {
  Bench() {
    for (int i = 0; i < 10; ++i)
      BOOST_REQUIRE(dfsps.add({.id = "bank" + std::to_string(i), .name = "Bank"}, clock.now()).has_value());
  }

  Result<std::string> ask(const std::string& dfsp_id) {
    const int at_once = ++now_asked;
    most_at_once = std::max<int>(most_at_once, at_once);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (!hubseal::test::until([&] { return !held; })) return fail(Code::internal, "held for good");
    --now_asked;
    ++asked;
    if (dfsp_id == "bank1") return fail(Code::internal, "no connection");
    return std::string(R"({"pingStatus":"SUCCESS"})");
  }

  PingWatcher watcher(std::chrono::milliseconds pause) {
    return PingWatcher([this](const std::string& dfsp_id) { return ask(dfsp_id); }, dfsps, table, counted, clock,
                       {pause, 3});
  }

  void wait_until_asked(int times) {
    BOOST_REQUIRE(hubseal::test::until([&] { return asked >= times; }));
  }

  std::map<std::string, std::string> statuses() {
    std::map<std::string, std::string> found;
    const auto list = table.list().value();
    for (const auto& dfsp : list) found[dfsp.dfsp_id] = dfsp.ping_status.value_or("");
    return found;
  }

  TempFolder folder;
  SystemClock clock;
  std::unique_ptr<store::Database> database = store::Database::open({.file = folder / "agent.db"}).value();
  store::DfspTable dfsps{*database};
  store::ConnectivityTable table{*database};
  metrics::Pings counted;
  std::atomic<int> asked = 0;
  std::atomic<int> now_asked = 0;
  std::atomic<bool> held = false;
  std::atomic<int> most_at_once = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(ping_watcher, Bench)

BOOST_AUTO_TEST_CASE(everybody_is_asked_about_again_and_again_and_few_at_the_same_time) {
  {
    const PingWatcher watching = watcher(std::chrono::milliseconds(1));
    wait_until_asked(25);
  }
  BOOST_TEST(most_at_once <= 3);
  BOOST_TEST(most_at_once > 1);
  const auto found = statuses();
  BOOST_TEST(found.at("bank0") == "SUCCESS");
  BOOST_TEST(found.at("bank1") == "PING_ERROR");
  BOOST_TEST(found.at("bank9") == "SUCCESS");
}

BOOST_AUTO_TEST_CASE(a_watcher_that_is_stopped_asks_nothing_more_and_does_not_wait_for_the_next_round) {
  const auto begin = std::chrono::steady_clock::now();
  {
    held = true;  // all that are under way, until it is stopped
    PingWatcher watching = watcher(std::chrono::hours(1));
    BOOST_REQUIRE(hubseal::test::until([&] { return now_asked != 0; }));
    watching.stop();
    held = false;
  }
  BOOST_TEST(asked <= 3);
  const int before = asked;
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  BOOST_TEST(asked == before);
  const bool soon = std::chrono::steady_clock::now() - begin < std::chrono::minutes(1);
  BOOST_TEST(soon);
}

BOOST_AUTO_TEST_CASE(only_statuses_that_clients_know_are_believed) {
  for (const char* status : {"SUCCESS", "NOT_REACHABLE", "JWS_FAILED", "TIMED_OUT", "PING_ERROR"})
    BOOST_TEST(ping_status(std::string(R"({"fspPutResponse":{"body":{}},"pingStatus":")") + status + "\"}") == status);
  for (const char* answer : {"", "{}", "[]", "null", "SUCCESS", R"({"pingStatus":"FINE"})", R"({"pingStatus":null})",
                             R"({"pingStatus":"success"})", R"({"pingStatus":"SUCCESS"} x)",
                             R"({"pingStatus":"SUCCESS","pingStatus":"SUCCESS"})"})
    BOOST_TEST(ping_status(answer) == "PING_ERROR", answer);
}

BOOST_AUTO_TEST_CASE(a_request_id_is_a_ulid_of_now) {
  const std::string first = http::new_ulid();
  BOOST_TEST(first.size() == 26u);
  BOOST_TEST(first.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ") == std::string::npos);
  BOOST_TEST(first.substr(0, 2) == "01");  // until the year 2039
  BOOST_TEST(first != http::new_ulid());
}

BOOST_AUTO_TEST_SUITE_END()
