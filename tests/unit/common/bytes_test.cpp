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

BOOST_AUTO_TEST_CASE(hex_goes_both_ways_and_refuses_the_rest) {
  BOOST_TEST(to_hex(from_hex("00fFa1").value()) == "00ffa1");
  BOOST_TEST(!from_hex("abc").has_value());
  BOOST_TEST(!from_hex("0g").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
