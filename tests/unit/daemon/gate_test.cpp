#include "daemon/gate.h"

#include <boost/test/unit_test.hpp>

using namespace hubseal;
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

BOOST_AUTO_TEST_CASE(who_is_inside_is_waited_for_and_nobody_enters_meanwhile) {
  const auto at_once = [] { return std::chrono::steady_clock::now(); };
  Gate gate;
  {
    auto pass = gate.enter();
    BOOST_REQUIRE(pass);
    gate.close("seal", {Code::sealed, "drill"});
    BOOST_TEST(!gate.wait_until_empty(at_once()));
    BOOST_TEST(!gate.enter().has_value());
    const auto moved = *std::move(pass);
    BOOST_TEST(!gate.wait_until_empty(at_once()));
  }
  BOOST_TEST(gate.wait_until_empty(at_once()));
}

BOOST_AUTO_TEST_SUITE_END()
