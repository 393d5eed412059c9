#include "agent/http/response_head.h"

#include <regex>
#include <stdexcept>

#include <boost/test/unit_test.hpp>

using namespace hubseal::agent::http;

namespace {

std::string head_of(const Answer& answer, Carrier carrier = {.keep_alive = true, .secure = false}) {
  static const std::regex date(
      "\r\nDate: [A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT\r\n");
  return std::regex_replace(response_head(answer, "c0ffee", carrier), date, "\r\nDate: D\r\n");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(response_head_)

BOOST_AUTO_TEST_CASE(an_answer_has_its_length_and_what_browsers_must_know_in_an_order_that_stays) {
  Answer answer;
  answer.body = "{}";
  answer.headers = {{"ETag", "\"1\""}};
  BOOST_TEST(
      head_of(answer) ==
      "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: Keep-Alive\r\n"
      "X-Correlation-Id: c0ffee\r\nETag: \"1\"\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n"
      "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\nReferrer-Policy: no-referrer\r\n"
      "Cache-Control: no-store\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(what_has_no_content_has_no_length) {
  for (const auto& [status, line] : {std::pair(204, "HTTP/1.1 204 No Content\r\nDate: D\r\nConnection: Close\r\n"),
                                     std::pair(304, "HTTP/1.1 304 Not Modified\r\nDate: D\r\nConnection: Close\r\n")}) {
    Answer answer;
    answer.status = status;
    BOOST_TEST(head_of(answer, {.keep_alive = false, .secure = false}).starts_with(line));
  }
  BOOST_TEST(
      head_of(empty_ok()).starts_with("HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n"));
}

BOOST_AUTO_TEST_CASE(whatever_else_an_answer_says_is_a_header) {
  Answer answer;
  answer.status = 405;
  answer.allow = "GET";
  answer.retry_after_seconds = 5;
  answer.cache_seconds = 60;
  answer.content_policy = "default-src 'self'";
  const std::string head = head_of(answer, {.keep_alive = true, .secure = true});
  BOOST_TEST(head.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"));
  BOOST_TEST(head.find("\r\nX-Correlation-Id: c0ffee\r\nRetry-After: 5\r\nAllow: GET\r\n") != std::string::npos);
  BOOST_TEST(head.find("\r\nContent-Security-Policy: default-src 'self'\r\n") != std::string::npos);
  BOOST_TEST(
      head.ends_with("\r\nCache-Control: public, max-age=60\r\nStrict-Transport-Security: max-age=31536000\r\n\r\n"));
}

// Some values are others' words, such as the address that people are sent to.
BOOST_AUTO_TEST_CASE(what_would_begin_another_header_is_none) {
  using namespace std::string_literals;
  const auto says_so = [](const std::logic_error& fault) {
    return fault.what() == "a header of an answer has a line end in it"s;
  };
  for (const std::string& value : {"a\r\nSet-Cookie: b"s, "a\nb"s, "a\r"s, "a\0b"s}) {
    Answer answer;
    answer.headers = {{"Location", value}};
    BOOST_CHECK_EXCEPTION(head_of(answer), std::logic_error, says_so);
    answer.headers = {{value, "a"}};
    BOOST_CHECK_EXCEPTION(head_of(answer), std::logic_error, says_so);
  }
}

BOOST_AUTO_TEST_SUITE_END()
