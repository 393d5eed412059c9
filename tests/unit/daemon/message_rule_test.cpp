#include "daemon/message_rule.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/must.h"

using hubseal::daemon::MessageRule;
using hubseal::test::must;

BOOST_AUTO_TEST_SUITE(message_rule)

BOOST_AUTO_TEST_CASE(a_rule_covers_its_method_and_its_uri_and_with_a_star_whatever_begins_so) {
  const MessageRule exact = must(MessageRule::parse("POST /quotes"));
  BOOST_TEST(exact.covers("POST", "/quotes"));
  for (const auto& [method, uri] :
       {std::pair{"PUT", "/quotes"}, std::pair{"post", "/quotes"}, std::pair{"POST", "/quotes/1"},
        std::pair{"POST", "/quotes?a=1"}, std::pair{"POST", "/bulkQuotes"}, std::pair{"POST", ""}})
    BOOST_TEST(!exact.covers(method, uri), method << " " << uri);
  const MessageRule below = must(MessageRule::parse("PUT /quotes/*"));
  BOOST_TEST(below.covers("PUT", "/quotes/1"));
  BOOST_TEST(below.covers("PUT", "/quotes/1/error"));
  for (const char* uri : {"/quotes", "/transfers/1", "/quotesx/1"}) BOOST_TEST(!below.covers("PUT", uri), uri);
}

BOOST_AUTO_TEST_CASE(JWS_4_what_is_no_request_is_no_rule_and_is_refused_with_what_is_wrong) {
  for (const char* line : {"", "PUT", "PUT/quotes", "put /quotes", "CONNECT /quotes", "PUT  /quotes", "PUT quotes",
                           "PUT /*", "PUT *", "PUT /quotes/*/error", "PUT /quotes/**", "PUT /v1/quotes",
                           "PUT /quotes/../admin", "PUT /quotes/%2e%2e/*", "PUT https://a/quotes", "PUT /quotes "}) {
    const auto refused = MessageRule::parse(line);
    BOOST_REQUIRE(!refused.has_value());
    BOOST_TEST(refused.error().message.find("wanted a method, a space and where it goes") != std::string::npos);
  }
}

BOOST_AUTO_TEST_SUITE_END()
