#include "common/number.h"

#include <cstdint>

#include <boost/test/unit_test.hpp>

using namespace hubseal;

BOOST_AUTO_TEST_SUITE(number)

BOOST_AUTO_TEST_CASE(a_text_of_digits_is_its_number_up_to_the_ends_of_the_type) {
  BOOST_TEST((parse_number<int>("0") == 0));
  BOOST_TEST((parse_number<int>("0042") == 42));
  BOOST_TEST((parse_number<std::int64_t>("-9223372036854775808") == INT64_MIN));
  BOOST_TEST((parse_number<std::int64_t>("9223372036854775807") == INT64_MAX));
  BOOST_TEST((parse_number<std::uint64_t>("18446744073709551615") == UINT64_MAX));
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_its_type_is_none) {
  BOOST_TEST(!parse_number<std::int64_t>("9223372036854775808"));
  BOOST_TEST(!parse_number<std::int64_t>("-9223372036854775809"));
  BOOST_TEST(!parse_number<std::uint64_t>("18446744073709551616"));
  BOOST_TEST(!parse_number<std::uint8_t>("256"));
  BOOST_TEST(!parse_number<unsigned>("-1"));
  BOOST_TEST(!parse_number<unsigned>("-0"));
}

BOOST_AUTO_TEST_CASE(what_is_not_digits_from_end_to_end_is_none) {
  using namespace std::string_view_literals;
  for (const std::string_view text : {""sv, "-"sv, "+1"sv, " 1"sv, "1 "sv, "1\n"sv, "1\0"sv, "0x10"sv, "1e3"sv, "1.0"sv,
                                      "1,000"sv, "--1"sv, "\xd9\xa1"sv})
    BOOST_TEST(!parse_number<int>(text), text << " was accepted");
  BOOST_TEST(!parse_number<int>({}));
}

BOOST_AUTO_TEST_CASE(the_bounds_are_numbers_that_are_good) {
  BOOST_TEST((parse_number<int>("2", 2, 4) == 2));
  BOOST_TEST((parse_number<int>("4", 2, 4) == 4));
  BOOST_TEST(!parse_number<int>("1", 2, 4));
  BOOST_TEST(!parse_number<int>("5", 2, 4));
  BOOST_TEST(!parse_number<int>("-3", 2, 4));
}

BOOST_AUTO_TEST_CASE(of_a_longer_text_only_the_part_that_is_given_counts) {
  BOOST_TEST((parse_number<int>(std::string_view("12345").substr(1, 2)) == 23));
}

BOOST_AUTO_TEST_SUITE_END()
