#include "agent/auth/places.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "tests/support/until.h"

using namespace hubseal::agent::auth;

namespace {

constexpr std::chrono::seconds kLong{60};
constexpr std::chrono::milliseconds kShort{20};

/// How many of `wanted` places a holder gets; they are kept in `kept`.
int take(Places& places, std::vector<std::unique_ptr<Places::Place>>& kept, const std::string& holder, int wanted) {
  int got = 0;
  for (int i = 0; i < wanted; ++i) {
    auto place = std::make_unique<Places::Place>(places, holder);
    if (!place->taken()) continue;
    ++got;
    kept.push_back(std::move(place));
  }
  return got;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(places)

BOOST_AUTO_TEST_CASE(one_holder_leaves_half_of_the_places_to_others) {
  Places places(8);
  std::vector<std::unique_ptr<Places::Place>> kept;
  BOOST_TEST(take(places, kept, "bank1", 20) == 4);
  BOOST_TEST(take(places, kept, "bank2", 20) == 2);
  BOOST_TEST(take(places, kept, "bank3", 20) == 2);
  BOOST_TEST(take(places, kept, "bank4", 1) == 0);
}

BOOST_AUTO_TEST_CASE(a_place_that_is_given_back_is_free_again) {
  Places places(8);
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<Places::Place>> kept;
    BOOST_TEST(take(places, kept, "bank1", 8) == 4);
  }
}

BOOST_AUTO_TEST_CASE(of_few_places_everybody_gets_one) {
  Places places(2);
  std::vector<std::unique_ptr<Places::Place>> kept;
  for (const char* holder : {"bank1", "bank2"}) BOOST_TEST(take(places, kept, holder, 2) == 1);
  BOOST_TEST(take(places, kept, "bank3", 1) == 0);
}

BOOST_AUTO_TEST_CASE(who_waits_gets_the_place_that_is_given_back) {
  Places places(2);
  auto first = std::make_unique<Places::Place>(places, "bank1");
  BOOST_TEST(!Places::Place(places, "bank1", kShort).taken());
  std::thread waiting([&] { BOOST_TEST(Places::Place(places, "bank1", kLong).taken()); });
  first.reset();
  waiting.join();
}

BOOST_AUTO_TEST_CASE(no_more_wait_than_there_are_places) {
  Places places(4);
  std::vector<std::unique_ptr<Places::Place>> kept;
  BOOST_TEST(take(places, kept, "bank1", 2) == 2);
  std::atomic<int> refused = 0, taken = 0;
  std::vector<std::thread> asking;
  for (int i = 0; i < 10; ++i)
    asking.emplace_back([&] { ++(Places::Place(places, "bank1", kLong).taken() ? taken : refused); });
  BOOST_TEST(hubseal::test::until([&] { return refused == 8; }));  // at once: two of them wait, half of what may
  BOOST_TEST(taken == 0);
  BOOST_TEST(Places::Place(places, "bank2").taken());
  kept.clear();
  for (std::thread& one : asking) one.join();
  BOOST_TEST(taken == 2);
}

BOOST_AUTO_TEST_CASE(all_addresses_of_one_ipv6_network_are_one_holder) {
  BOOST_TEST(holder_of("[2001:db8::1]:4711") == holder_of("[2001:db8::ffff:2]:80"));
  BOOST_TEST(holder_of("[2001:db8::1]:1") != holder_of("[2001:db8:0:1::1]:1"));
  BOOST_TEST(holder_of("[::ffff:192.0.2.1]:1") != holder_of("[::ffff:192.0.2.2]:1"));
  BOOST_TEST(holder_of("192.0.2.1:1") != holder_of("192.0.2.2:1"));
}

BOOST_AUTO_TEST_SUITE_END()
