#include "agent/auth/http_client.h"

#include <boost/test/unit_test.hpp>

using namespace hubseal;
using namespace hubseal::agent::auth;

BOOST_AUTO_TEST_SUITE(http_client)

// The first is the example of RFC 6749 section 2.3.1, the other is Python's (urllib.parse.quote, base64).
BOOST_AUTO_TEST_CASE(a_clients_login_is_encoded_as_in_a_form_before_it_is_joined) {
  BOOST_TEST(basic_authorization("s6BhdRkqt3", SecretBytes::copy_of("gX1fBat3bV")).text() ==
             "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW");
  BOOST_TEST(basic_authorization("hub portal", SecretBytes::copy_of("a:b/c%\xc3\x84")).text() ==
             "Basic aHViJTIwcG9ydGFsOmElM0FiJTJGYyUyNSVDMyU4NA==");
}

// It may stand in a Location, and a call is refused where it would be written into a request.
BOOST_AUTO_TEST_CASE(a_url_has_no_byte_that_would_have_to_be_escaped) {
  using namespace std::string_literals;
  BOOST_TEST(parse_provider_url("https://h/a~%0d%0a!").has_value());
  for (const std::string& url : {"https://h/a\r\nb"s, "https://h/a b"s, "https://h/\x7f"s, "https://h/\xc3\xa4"s,
                                 "https://h/\0"s, " https://h/"s, "https://h/a?b=\t"s}) {
    const auto refused = parse_provider_url(url);
    BOOST_REQUIRE(!refused);
    BOOST_TEST((refused.error().code == Code::bad_request), url);
    BOOST_TEST(refused.error().message.ends_with("has bytes that stand in no URL; wanted them as %XX"),
               refused.error().message);
  }
}

// Where it asked for the address of the name first, it would say that there is none, and could take as long as it
// likes.
BOOST_AUTO_TEST_CASE(a_call_whose_time_is_up_asks_for_no_address) {
  const HttpClient client = HttpClient::make({}, std::chrono::seconds(5)).value();
  const auto reply =
      client.exchange("https://hub.invalid/", {.method = "GET", .until = std::chrono::steady_clock::now()}, 1);
  BOOST_TEST(reply.error().message == "GET https://hub.invalid/: not complete in time");
}

BOOST_AUTO_TEST_SUITE_END()
