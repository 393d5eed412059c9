#include "agent/service/endpoint_values.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

using namespace hubseal;
using namespace hubseal::agent;

BOOST_AUTO_TEST_SUITE(endpoint_values)

BOOST_AUTO_TEST_CASE(addresses_and_networks_are_accepted) {
  for (const char* address : {"163.10.24.28", "163.10.24.28/30", "10.0.0.0/8", "1.2.3.4/32", "2001:db8::1", "2400::/16",
                              "fd00::1/128", "2001:db8::10.0.0.1", "2001:1::/32", "2003::/16"})
    BOOST_TEST(check(IpEntry{address, {"443"}}).has_value(), address);
}

BOOST_AUTO_TEST_CASE(what_is_no_address_or_means_everybody_is_refused_with_what_was_found) {
  for (const char* address : {"",
                              "1.2.3",
                              "01.2.3.4",
                              "1.2.3.4/",
                              "1.2.3.4/7",
                              "1.2.3.4/33",
                              "1.2.3.4/+8",
                              "1.2.3.4/08",
                              "1.2.3.4/8x",
                              "0.0.0.0",
                              "0.0.0.0/0",
                              "0.1.2.3/8",
                              "::",
                              "::/0",
                              "::1",
                              "2000::/3",
                              "2000::/129",
                              "::ffff:1.2.3.4",
                              "::ffff:0:0/96",
                              "64:ff9b::/96",
                              "64:ff9b::10.0.0.1",
                              "64:ff9b:1::/48",
                              "64:ff9b:1:2::3",
                              "2002::/16",
                              "2002:a00:1::/48",
                              "2002::1",
                              "2001::/32",
                              "2001:0:a00:1::/64",
                              "2001::1",
                              "2001::/16",
                              "2001::/31",
                              "[2001:db8::1]",
                              "127.0.0.1",
                              "127.0.0.0/8",
                              "169.254.169.254",
                              "224.0.0.1",
                              "255.255.255.255",
                              "fe80::1",
                              "ff02::1",
                              "10.1.2.3/8",
                              "2001:db8::/16",
                              "bank"}) {
    const auto refused = check(IpEntry{address, {"443"}});
    BOOST_REQUIRE(!refused);
    BOOST_TEST(std::string(to_string(refused.error().code)) == "bad_request");
    BOOST_TEST(refused.error().message.starts_with("address is \"" + std::string(address) + "\"; wanted "), address);
  }
}

BOOST_AUTO_TEST_CASE(ports_are_numbers_and_ascending_ranges) {
  for (const char* port : {"0", "1", "443", "65535", "0-65535", "80-80", "8000-8080"})
    BOOST_TEST(check(IpEntry{"10.0.0.1", {"1", port}}).has_value(), port);
  for (const char* port : {"", "-", "1-", "-1", "65536", "99999999999999999999", "2-1", "1-2-3", " 1", "1 ", "0x50",
                           "1e3", "01", "1-65536", "+1", "a"})
    BOOST_TEST(!check(IpEntry{"10.0.0.1", {"1", port}}).has_value(), port);
  BOOST_TEST(!check(IpEntry{"10.0.0.1", {}}).has_value());
}

BOOST_AUTO_TEST_CASE(urls_are_absolute_and_hold_nothing_that_a_template_could_trip_over) {
  for (const char* url :
       {"http://a", "https://bank-1.example:8443/a/b?c=%20#d", "https://[2001:db8::1]", "http://[::1]:80/"})
    BOOST_TEST(check(UrlEntry{url}).has_value(), url);
  for (const char* url : {"",
                          "a",
                          "/a",
                          "//a",
                          "http:a",
                          "http://",
                          "http:///",
                          "https://http://a",
                          "http://?a",
                          "ftp://a",
                          "http://a@b",
                          "http://a:b@c",
                          "http://a:",
                          "http://a:0",
                          "http://a:65536",
                          "http://a:1:2",
                          "http://a b",
                          "http://a\n",
                          "http://a/\"",
                          "http://a/{b}",
                          "http://a/'",
                          "http://a/`b`",
                          "http://[::1",
                          "http://::1",
                          "http://[a]",
                          "http://\xc3\xa4",
                          "http://a_b",
                          "https://http://"})
    BOOST_TEST(!check(UrlEntry{url}).has_value(), url);
  BOOST_TEST(check(UrlEntry{"http://a/" + std::string(kMaxUrlBytes - 9, 'x')}).has_value());
  BOOST_TEST(!check(UrlEntry{"http://a/" + std::string(kMaxUrlBytes - 8, 'x')}).has_value());
}

BOOST_AUTO_TEST_CASE(equal_values_are_equal_texts) {
  BOOST_TEST(dump_json(to_json(IpEntry{"10.0.0.1", {"1", "2-3"}, "d"})) ==
             R"({"address":"10.0.0.1","ports":["1","2-3"],"description":"d"})");
  BOOST_TEST(dump_json(to_json(EndpointValue(IpEntry{"10.0.0.1", {"1"}}))) ==
             R"({"address":"10.0.0.1","ports":["1"]})");
  BOOST_TEST(dump_json(to_json(EndpointValue(UrlEntry{"http://a"}))) == R"({"url":"http://a"})");
}

BOOST_AUTO_TEST_SUITE_END()
