#include "cli/http_request.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/must.h"

using hubseal::cli::parse_http_request;
using hubseal::test::must;

BOOST_AUTO_TEST_SUITE(http_request)

BOOST_AUTO_TEST_CASE(a_request_is_taken_apart_and_its_body_left_as_it_is) {
  for (const char* end : {"\r\n", "\n"}) {
    std::string text;
    for (const char* line : {"PUT /quotes/1?a=b HTTP/1.1", "Host: hub", "fspiop-source:  hub\t", "Empty:", ""})
      text.append(line).append(end);
    const std::string body = "{ \"a\" : 1 }\r\n\r\n\n";
    text += body;
    const auto request = must(parse_http_request(text));
    BOOST_TEST(request.method == "PUT");
    BOOST_TEST(request.target == "/quotes/1?a=b");
    const hubseal::jose::HttpHeader wanted = {{"Host", "hub"}, {"fspiop-source", "hub"}, {"Empty", ""}};
    BOOST_TEST((request.headers == wanted));
    BOOST_TEST(request.body == body);
  }
}

BOOST_AUTO_TEST_CASE(what_two_readers_could_read_in_two_ways_is_refused) {
  for (const char* bad :
       {"", "\n", "PUT /quotes/1\n\n", "PUT  HTTP/1.1\n\n", "PUT /quotes/1 HTTP/1.1\n",
        "PUT /quotes/1 HTTP/1.1\nA: b\n", "PUT /quotes/1 HTTP/1.1\nA : b\n\n",
        "PUT /quotes/1 HTTP/1.1\nA: b\n folded\n\n", "PUT /quotes/1 HTTP/1.1\n: b\n\n",
        "PUT /quotes/1 HTTP/1.1\nno colon\n\n", "PUT /quotes/1 HTTP/1.1\nTransfer-Encoding: chunked\n\n"})
    BOOST_TEST(!parse_http_request(bad).has_value(), bad);
  std::string many = "PUT /quotes/1 HTTP/1.1\n";
  for (int i = 0; i < 300; ++i) many += "A: b\n";
  BOOST_TEST(!parse_http_request(many.append("\n")).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
