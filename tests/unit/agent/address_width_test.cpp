#include "agent/service/address_width.h"

#include <boost/test/unit_test.hpp>

using namespace hubseal::agent;

BOOST_AUTO_TEST_SUITE(address_width)

BOOST_AUTO_TEST_CASE(each_address_counts_once_however_networks_overlap) {
  const auto v4 = [](const std::vector<std::string>& addresses) { return width_of(addresses).v4; };
  BOOST_TEST(v4({}) == 0u);
  BOOST_TEST(v4({"10.0.0.1"}) == 1u);
  BOOST_TEST(v4({"10.0.0.1", "10.0.0.1/32", "10.0.0.0/30"}) == 4u);
  BOOST_TEST(v4({"10.0.0.0/24", "10.0.0.128/25", "10.0.1.0/24"}) == 512u);
  BOOST_TEST(v4({"10.0.1.0/24", "10.0.0.0/8", "10.255.255.255"}) == std::uint64_t{1} << 24);
  BOOST_TEST(v4({"223.255.255.255", "223.255.255.254/31"}) == 2u);
}

BOOST_AUTO_TEST_CASE(of_ipv6_networks_of_64_bits_count) {
  const auto v6 = [](const std::vector<std::string>& addresses) { return width_of(addresses).v6_networks; };
  BOOST_TEST(v6({"2001:db8::1", "2001:db8::2", "2001:db8::/64", "2001:db8::/96"}) == 1u);
  BOOST_TEST(v6({"2001:db8::/32"}) == std::uint64_t{1} << 32);
  BOOST_TEST(v6({"fd00::/16", "2001::/16"}) == std::uint64_t{1} << 49);
  BOOST_TEST(width_of({"2001:db8::1"}).v4 == 0u);
}

BOOST_AUTO_TEST_CASE(together_they_are_no_wider_than_the_widest_network_that_may_be_named) {
  BOOST_TEST(!too_wide({"10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32"}).has_value());
  BOOST_TEST(too_wide({"10.0.0.0/8", "11.0.0.1"}).has_value());
  BOOST_TEST(too_wide({"10.0.0.0/9", "10.128.0.0/9", "11.0.0.0/32"}).has_value());
  BOOST_TEST(!too_wide({"2001::/16", "2001:db8::1"}).has_value());
  BOOST_TEST(too_wide({"2001::/16", "2400::1"}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
