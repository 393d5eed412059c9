#include "cli/serial.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/must.h"

using namespace hubseal;
using namespace hubseal::cli;
using test::must;

BOOST_AUTO_TEST_SUITE(serial)

BOOST_AUTO_TEST_CASE(a_serial_is_taken_as_other_tools_print_it) {
  for (const char* text : {"a56aed6c", "0xA56AED6C", "A5:6A:ED:6C", "0Xa5 6a ed 6c"})
    BOOST_TEST(must(read_serial(text)) == "a56aed6c");
}

BOOST_AUTO_TEST_CASE(what_is_no_serial_is_named) {
  for (const std::string& text : {std::string("xyz"), std::string(), std::string("0x"), std::string(41, 'a')}) {
    const auto refused = read_serial(text);
    BOOST_REQUIRE(!refused.has_value());
    BOOST_TEST((refused.error().code == Code::bad_request));
    BOOST_TEST(refused.error().message.starts_with("serial: \"" + text));
  }
}

BOOST_AUTO_TEST_SUITE_END()
