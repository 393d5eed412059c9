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

BOOST_AUTO_TEST_SUITE_END()
