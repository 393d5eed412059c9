#include "daemon/gate.h"

#include <optional>
#include <thread>

#include <boost/test/unit_test.hpp>

#include "tests/support/must.h"

using namespace hubseal;
using namespace std::chrono_literals;
using daemon::Gate;

BOOST_AUTO_TEST_SUITE(gate)

BOOST_AUTO_TEST_CASE(it_is_open_when_nobody_holds_it_closed) {
  Gate gate;
  BOOST_TEST(gate.enter().has_value());
  gate.close("seal", {Code::sealed, "ann sealed it"});
  gate.close("audit", {Code::storage_unavailable, "disk full"});
  BOOST_TEST(gate.reasons().size() == 2U);
  gate.open("audit");
  BOOST_TEST((gate.enter().error().code == Code::sealed));
  gate.open("seal");
  BOOST_TEST(gate.enter().has_value());
}

BOOST_AUTO_TEST_CASE(the_newest_reason_of_a_word_counts) {
  Gate gate;
  gate.close("audit", {Code::storage_unavailable, "disk full"});
  gate.close("audit", {Code::storage_unavailable, "read-only"});
  BOOST_TEST(gate.enter().error().message == "read-only");
  gate.open("nobody");
  BOOST_TEST(!gate.enter().has_value());
}

BOOST_AUTO_TEST_CASE(it_closes_by_itself_when_nobody_puts_it_off) {
  const auto now = std::chrono::steady_clock::now();
  Gate gate;
  gate.close_at("checkpoint", now + 1h, {Code::storage_unavailable, "too old"});
  BOOST_TEST(gate.enter().has_value());
  BOOST_TEST(gate.reasons().empty());
  gate.close_at("checkpoint", now, {Code::storage_unavailable, "too old"});
  BOOST_TEST(gate.enter().error().message == "too old");
  BOOST_TEST(gate.reasons().size() == 1U);
  gate.close_at("checkpoint", now + 1h, {Code::storage_unavailable, "too old"});
  BOOST_TEST(gate.enter().has_value());
  gate.close("checkpoint", {Code::storage_unavailable, "altered"});
  BOOST_TEST(gate.enter().error().message == "altered");
}

BOOST_AUTO_TEST_CASE(who_is_inside_is_waited_for_and_nobody_enters_meanwhile) {
  const auto at_once = [] { return std::chrono::steady_clock::now(); };
  Gate gate;
  {
    auto pass = gate.enter();
    BOOST_REQUIRE(pass);
    gate.close("seal", {Code::sealed, "drill"});
    BOOST_TEST(!gate.wait_for_those_inside(at_once()));
    BOOST_TEST(!gate.enter().has_value());
    const auto moved = *std::move(pass);
    BOOST_TEST(!gate.wait_for_those_inside(at_once()));
  }
  BOOST_TEST(gate.wait_for_those_inside(at_once()));
}

BOOST_AUTO_TEST_CASE(who_comes_in_while_somebody_waits_is_not_waited_for) {
  Gate gate;
  std::optional<Gate::Pass> early(test::must(gate.enter()));
  std::optional<Gate::Pass> late;
  std::thread waiter([&] { BOOST_TEST(gate.wait_for_those_inside(std::chrono::steady_clock::now() + 10s)); });
  std::this_thread::sleep_for(50ms);
  late.emplace(test::must(gate.enter()));
  early.reset();
  waiter.join();
}

BOOST_AUTO_TEST_SUITE_END()
