#include "agent/auth/places.h"

#include <memory>
#include <vector>

#include <boost/test/unit_test.hpp>

using namespace hubseal::agent::auth;

namespace {

/// How many of `wanted` places an address gets; they are kept in `kept`.
int take(Places& places, std::vector<std::unique_ptr<Places::Place>>& kept, const std::string& peer, int wanted) {
  int got = 0;
  for (int i = 0; i < wanted; ++i) {
    auto place = std::make_unique<Places::Place>(places, peer);
    if (!place->taken()) continue;
    ++got;
    kept.push_back(std::move(place));
  }
  return got;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(places)

BOOST_AUTO_TEST_CASE(one_address_leaves_half_of_the_places_to_others) {
  Places places(8);
  std::vector<std::unique_ptr<Places::Place>> kept;
  BOOST_TEST(take(places, kept, "192.0.2.1:1", 20) == 4);
  BOOST_TEST(take(places, kept, "192.0.2.1:2", 1) == 0);  // whatever port it comes from
  BOOST_TEST(take(places, kept, "192.0.2.2:1", 20) == 2);
  BOOST_TEST(take(places, kept, "192.0.2.3:1", 20) == 2);
  BOOST_TEST(take(places, kept, "192.0.2.4:1", 1) == 0);
}

BOOST_AUTO_TEST_CASE(a_place_that_is_given_back_is_free_again) {
  Places places(8);
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<Places::Place>> kept;
    BOOST_TEST(take(places, kept, "192.0.2.1:1", 8) == 4);
  }
}

BOOST_AUTO_TEST_CASE(all_addresses_of_one_ipv6_network_are_one_holder) {
  BOOST_TEST(holder_of("[2001:db8::1]:4711") == holder_of("[2001:db8::ffff:2]:80"));
  BOOST_TEST(holder_of("[2001:db8::1]:1") != holder_of("[2001:db8:0:1::1]:1"));
  BOOST_TEST(holder_of("[::ffff:192.0.2.1]:1") != holder_of("[::ffff:192.0.2.2]:1"));
  BOOST_TEST(holder_of("192.0.2.1:1") != holder_of("192.0.2.2:1"));
}

BOOST_AUTO_TEST_SUITE_END()
