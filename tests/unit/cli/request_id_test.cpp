#include "cli/request_id.h"

#include <boost/test/unit_test.hpp>

#include "common/fields.h"

using namespace hubseal;
using namespace hubseal::cli;

BOOST_AUTO_TEST_SUITE(request_id)

// printf 'abc' | sha256sum: ba7816bf 8f01cfea 414140de 5dae2223 ...
BOOST_AUTO_TEST_CASE(it_is_the_beginning_of_the_sha_256_of_the_text_where_that_is_no_csr) {
  BOOST_TEST(derived_request_id("abc") == "csr-ba7816bf8f01cfea414140de5dae2223");
}

BOOST_AUTO_TEST_CASE(a_copy_of_the_csr_with_other_line_ends_is_the_same_request) {
  const std::string unix_text = "-----BEGIN CERTIFICATE REQUEST-----\nMAMCAQE=\n-----END CERTIFICATE REQUEST-----\n";
  std::string dos_text;
  for (const char c : unix_text) dos_text += c == '\n' ? std::string("\r\n") : std::string(1, c);
  BOOST_TEST(derived_request_id(dos_text) == derived_request_id(unix_text));
  // printf '\x30\x03\x02\x01\x01' | sha256sum
  BOOST_TEST(derived_request_id(unix_text) == "csr-1b65f68a522c858715f5dd951cd0402d");
}

BOOST_AUTO_TEST_CASE(it_is_a_name_that_the_wire_takes) {
  BOOST_TEST(is_name(derived_request_id("")));
  BOOST_TEST(derived_request_id("").size() <= 64u);
}

BOOST_AUTO_TEST_SUITE_END()
