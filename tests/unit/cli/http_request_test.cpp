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

BOOST_AUTO_TEST_CASE(what_a_reader_could_take_for_the_end_of_a_line_is_refused) {
  const std::string good = "PUT /quotes/1?a HTTP/1.1\nA: b c\n\n";
  must(parse_http_request(good));
  for (const std::size_t at : {good.find("?a"), good.find("b c") + 1})
    for (const char control : {'\r', '\v', '\f', '\0', '\x1b', '\x7f'}) {
      std::string bad = good;
      bad[at] = control;
      BOOST_TEST(!parse_http_request(bad).has_value(), at << " " << int{control});
    }
}

BOOST_AUTO_TEST_CASE(a_body_of_another_length_than_the_request_says_is_refused) {
  const auto request = [](std::string_view headers) {
    return std::string("PUT /quotes/1 HTTP/1.1\n").append(headers).append("\n\n{}");
  };
  for (const char* headers : {"content-length: 1", "Content-Length: 3", "Content-Length: 2, 2", "Content-Length: +2",
                              "Content-Length:", "Content-Length: -2", "Content-Length: 2\nContent-Length: 1"})
    BOOST_TEST(!parse_http_request(request(headers)).has_value(), headers);
  const std::string good = request("Content-Length: 2");
  BOOST_TEST(must(parse_http_request(good)).body == "{}");
}

BOOST_AUTO_TEST_SUITE_END()
