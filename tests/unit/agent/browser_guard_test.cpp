#include "agent/http/browser_guard.h"

#include <boost/test/unit_test.hpp>

using namespace hubseal::agent::http;

namespace {

bool passes(std::optional<std::string> host, std::optional<std::string> origin = std::nullopt) {
  Incoming request;
  request.host = std::move(host);
  request.origin = std::move(origin);
  return !BrowserGuard({"agent.hub.example"}).refuse(request);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(browser_guard)

BOOST_AUTO_TEST_CASE(loopback_names_and_configured_names_pass) {
  for (const char* host :
       {"localhost", "LocalHost:3001", "127.0.0.1:3001", "127.8.8.8", "[::1]:3001", "[::1]", "agent.hub.example:3001"})
    BOOST_TEST(passes(host), host << " was refused");
  BOOST_TEST(passes(std::nullopt));
}

BOOST_AUTO_TEST_CASE(other_names_are_refused_because_they_may_have_been_made_to_resolve_to_this_host) {
  for (const char* host : {"evil.example", "127.evil.example", "localhost.evil.example", "localhost@evil.example", "",
                           "[::2]:80", "[", "192.0.2.1", "128.0.0.1"})
    BOOST_TEST(!passes(host), host << " was accepted");
}

BOOST_AUTO_TEST_CASE(behind_the_name_stands_a_port_or_nothing) {
  for (const char* host : {"localhost:80@evil.example", "[::1]evil.example", "[::1].evil.example",
                           "[::1]@evil.example:80", "localhost:1/x", "localhost:", "localhost:x", "localhost: 80",
                           "localhost:+1", "localhost:80:80", "localhost:123456", "127.0.0.1:80#x",
                           "[::1]:", "[::1]:80?x", "agent.hub.example:80@evil.example", "[::1", "localhost:80 x"})
    BOOST_TEST(!passes(host), host << " was accepted");
  for (const char* host : {"localhost:0", "localhost:65535", "[::1]:1"})
    BOOST_TEST(passes(host), host << " was refused");
}

BOOST_AUTO_TEST_CASE(pages_of_another_origin_are_refused) {
  BOOST_TEST(passes("localhost:3001", "http://localhost:3001"));
  BOOST_TEST(passes("localhost:3001", "https://localhost:3001"));
  for (const char* origin :
       {"http://evil.example", "null", "", "http://localhost:3002", "http://localhost:3001.evil.example"})
    BOOST_TEST(!passes("localhost:3001", origin), origin << " was accepted");
}

BOOST_AUTO_TEST_CASE(without_a_host_no_origin_is_this_servers_own) {
  for (const char* origin : {"http://evil.example", "http://localhost", "http://127.0.0.1:3001", "http://", "null", ""})
    BOOST_TEST(!passes(std::nullopt, origin), origin << " was accepted");
}

BOOST_AUTO_TEST_SUITE_END()
