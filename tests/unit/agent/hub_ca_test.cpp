#include "agent/service/hub_ca.h"

#include <atomic>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "agent/service/signing_daemon.h"
#include "tests/unit/agent/agent_support.h"

using namespace hubseal;
using namespace hubseal::agent;
using namespace hubseal::agent::test;

namespace {

struct SettableClock final : Clock {
  TimePoint now() const override { return at; }
  TimePoint at = SystemClock().now();
};

/// A hub CA in front of a daemon that answers `reply`.
struct Hub {
  explicit Hub(Result<Json> reply)
      : scripted(folder / "sock", [reply = std::move(reply)](const wire::Request&) { return reply; }) {}

  TempFolder folder;
  ScriptedDaemon scripted;
  wire::DaemonClient client{scripted.socket_path(), std::chrono::seconds(10)};
  SigningDaemon daemon{client};
  SettableClock clock;
  HubCa ca{daemon, "hub-ca", clock};
};

/// Each time another one.
Json active_ca() {
  const TempFolder folder;
  make_certificate(folder, make_csr(folder, words("-newkey rsa:2048 -subj /")));
  return {{"ca", "hub-ca"}, {"state", "active"}, {"certificate", slurp(folder / "ca.pem")}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(hub_ca)

BOOST_AUTO_TEST_CASE(the_existing_ca_is_confirmed_when_its_names_are_the_wanted_ones) {
  const Json reply = active_ca();
  Hub hub(reply);
  const auto shown = hub.ca.confirm({{"CN", "Hub CA"}, {"O", "Hub"}}).value();
  BOOST_TEST(shown->root + "\n" == reply["certificate"].get<std::string>());
  BOOST_TEST(shown->certificate == shown->root);
  BOOST_TEST(shown->intermediates.empty());
}

BOOST_AUTO_TEST_CASE(a_contradiction_is_a_conflict_that_names_found_and_wanted) {
  Hub hub(active_ca());
  const auto refused = hub.ca.confirm({{"CN", "Hub CA"}, {"O", "Other"}});
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST((refused.error().code == Code::conflict));
  BOOST_TEST(refused.error().message.find("O=\"Hub\"; wanted O=\"Other\"") != std::string::npos);
  BOOST_TEST((hub.ca.confirm({{"CN", "Hub CA"}, {"O", "Hub"}, {"C", "KE"}}).error().code == Code::conflict));
}

BOOST_AUTO_TEST_CASE(without_a_ca_the_command_that_creates_it_is_named_and_nothing_is_created) {
  Hub hub(fail(Code::not_found, "no such CA"));
  BOOST_TEST(!hub.ca.shown().value());
  const auto refused = hub.ca.confirm({{"CN", "x"}, {"O", "y"}});
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.error().message.find("hubseal ca create hub-ca") != std::string::npos);
  for (const wire::Request& request : hub.scripted.requests()) BOOST_TEST(request.op == "get_ca");
}

BOOST_AUTO_TEST_CASE(a_ca_that_waits_for_its_certificate_is_not_there_yet) {
  Hub hub(Json{{"ca", "hub-ca"}, {"state", "awaiting_certificate"}, {"csr", "..."}});
  BOOST_TEST(!hub.ca.shown().value());
}

BOOST_AUTO_TEST_CASE(what_takes_over_is_shown_at_once_and_a_broken_or_missing_one_never_hides_behind_the_last) {
  const std::vector<Result<Json>> replies = {active_ca(), active_ca(), fail(Code::hsm_unavailable, "away"),
                                             Json{{"state", "active"}, {"certificate", "junk"}},
                                             Json{{"state", "retired"}, {"certificate", "junk"}}};
  const TempFolder folder;
  std::atomic<std::size_t> turn = 0;
  ScriptedDaemon scripted(folder / "sock", [&](const wire::Request&) { return replies.at(turn); });
  wire::DaemonClient client(scripted.socket_path(), std::chrono::seconds(10));
  SigningDaemon daemon(client);
  const SystemClock clock;
  HubCa ca(daemon, "hub-ca", clock);
  for (const std::size_t i : {0U, 0U, 1U, 1U, 0U}) {
    turn = i;
    BOOST_TEST(ca.shown().value()->root + "\n" == (*replies[i])["certificate"].get<std::string>());
  }
  turn = 2;
  BOOST_TEST((ca.shown().error().code == Code::hsm_unavailable));
  turn = 3;
  BOOST_TEST((ca.shown().error().code == Code::internal));
  turn = 4;
  BOOST_TEST(!ca.shown().value());
}

BOOST_AUTO_TEST_CASE(the_verdicts_are_those_of_the_last_minute_whatever_way_the_clock_goes) {
  Hub hub(active_ca());
  const TimePoint start = hub.clock.at;
  const auto first = hub.ca.shown().value();
  BOOST_TEST(first->validation_state == "VALID");
  hub.clock.at = start + std::chrono::seconds(59);
  BOOST_TEST((hub.ca.shown().value() == first));
  for (const auto& [at, state] : {std::pair(start + std::chrono::days(40), "INVALID"), {start, "VALID"}}) {
    hub.clock.at = at;
    BOOST_TEST(hub.ca.shown().value()->validation_state == state);
  }
}

BOOST_AUTO_TEST_CASE(an_answer_that_breaks_the_protocol_is_our_fault) {
  for (const Json& reply :
       {Json::object(), Json{{"state", "active"}}, Json{{"state", "active"}, {"certificate", "junk"}}}) {
    Hub hub(reply);
    BOOST_TEST((hub.ca.shown().error().code == Code::internal));
  }
}

BOOST_AUTO_TEST_SUITE_END()
