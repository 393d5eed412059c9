#include "common/bytes.h"

#include <boost/test/unit_test.hpp>

using namespace hubseal;

BOOST_AUTO_TEST_SUITE(bytes)

// The vectors of RFC 4648 section 10.
BOOST_AUTO_TEST_CASE(base64_gives_the_vectors_of_rfc_4648) {
  const std::pair<const char*, const char*> vectors[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    BOOST_TEST(to_base64(as_bytes(plain)) == encoded);
    BOOST_TEST(as_text(from_base64(encoded).value()) == plain);
  }
}

BOOST_AUTO_TEST_CASE(base64url_refuses_padding_spaces_and_bits_that_encode_nothing) {
  for (const char* bad : {"Zg==", "Zm 9v", "Zm9v\n", "Zh", "Zm9w+", "A", "Zm9vA"})
    BOOST_TEST(!from_base64url(bad).has_value(), bad << " was accepted");
  BOOST_TEST(as_text(from_base64url("Zg").value()) == "f");
}

// As urllib.parse.quote(text, safe='') of Python has them.
BOOST_AUTO_TEST_CASE(percent_encoding_leaves_the_unreserved_characters_of_rfc_3986_and_nothing_else) {
  const std::string unreserved = "AZaz09-._~";
  BOOST_TEST(percent_encoded(unreserved) == unreserved);
  BOOST_TEST(percent_encoded(" !\"#$%&'()*+,/") == "%20%21%22%23%24%25%26%27%28%29%2A%2B%2C%2F");
  BOOST_TEST(percent_encoded(":;<=>?@[\\]^`{|}") == "%3A%3B%3C%3D%3E%3F%40%5B%5C%5D%5E%60%7B%7C%7D");
  BOOST_TEST(percent_encoded("B\xc3\xa4nk\n\x7f") == "B%C3%A4nk%0A%7F");
  BOOST_TEST(percent_encoded(std::string_view("a\0b", 3)) == "a%00b");
  BOOST_TEST(percent_encoded("") == "");
}

BOOST_AUTO_TEST_CASE(hex_goes_both_ways_and_refuses_the_rest) {
  BOOST_TEST(to_hex(from_hex("00fFa1").value()) == "00ffa1");
  BOOST_TEST(!from_hex("abc").has_value());
  BOOST_TEST(!from_hex("0g").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
