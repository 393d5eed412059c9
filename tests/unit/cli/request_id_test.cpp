#include "cli/request_id.h"

#include <boost/test/unit_test.hpp>

#include "common/fields.h"

using namespace hubseal;
using namespace hubseal::cli;

BOOST_AUTO_TEST_SUITE(request_id)

// printf 'abc' | sha256sum: ba7816bf 8f01cfea 414140de 5dae2223 ...
BOOST_AUTO_TEST_CASE(it_is_the_beginning_of_the_sha_256_of_the_csr) {
  BOOST_TEST(derived_request_id("abc") == "csr-ba7816bf8f01cfea414140de5dae2223");
}

BOOST_AUTO_TEST_CASE(it_is_a_name_that_the_wire_takes) {
  BOOST_TEST(is_name(derived_request_id("")));
  BOOST_TEST(derived_request_id("").size() <= 64u);
}

BOOST_AUTO_TEST_SUITE_END()
