#include "common/json.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

using namespace hubseal;

namespace {

std::string refusal(std::string_view text, const JsonLimits& limits = {}) {
  const auto parsed = parse_json(text, limits);
  BOOST_REQUIRE_MESSAGE(!parsed.has_value(), text << " was accepted");
  BOOST_TEST((parsed.error().code == Code::bad_request));
  return parsed.error().message;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(json)

BOOST_AUTO_TEST_CASE(a_name_that_stands_twice_in_one_object_is_refused_by_name) {
  BOOST_TEST(refusal(R"({"op":"a","op":"b"})") == R"("op" stands twice in one object)");
  BOOST_TEST(refusal(R"({"a":{"b":1,"c":2,"b":3}})").find("\"b\"") != std::string::npos);
  // The same name in two objects is no repetition, and an escaped name is the same name.
  BOOST_TEST(parse_json(R"([{"a":1},{"a":2}])").has_value());
  BOOST_TEST(refusal(R"({"a":1,"\u0061":2})").find("twice") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(depth_and_members_are_bounded) {
  const JsonLimits limits{.max_depth = 2, .max_members = 3};
  BOOST_TEST(parse_json("[[1]]", limits).has_value());
  BOOST_TEST(refusal("[[[1]]]", limits).find("deeper than 2") != std::string::npos);
  BOOST_TEST(parse_json("[1,2,3]", limits).has_value());
  BOOST_TEST(refusal("[1,2,3,4]", limits).find("more than 3") != std::string::npos);
  BOOST_TEST(refusal(R"({"a":1,"b":1,"c":1,"d":1})", limits).find("more than 3") != std::string::npos);
}

// Wide and not deep: a line of a mebibyte would become ten or twenty of them on every connection.
BOOST_AUTO_TEST_CASE(values_are_bounded_in_all) {
  const JsonLimits limits{.max_depth = 3, .max_members = 3, .max_values = 5};
  BOOST_TEST(parse_json("[[1,2],[3]]", {.max_values = 6}).has_value());
  BOOST_TEST(refusal("[[1,2],[3]]", limits).find("more than 5 values") != std::string::npos);
  BOOST_TEST(refusal(R"([{},{},{"a":[],"b":null}])", limits).find("more than 5 values") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_hundred_thousand_brackets_are_refused_and_not_recursed_into) {
  BOOST_TEST(refusal(std::string(100'000, '[')).find("deeper") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(bytes_that_are_not_utf_8_are_refused) {
  for (const char* bad : {"\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf5\x80\x80\x80\"", "\"\\ud800\""})
    refusal(bad);
  BOOST_TEST(parse_json("\"\xc3\xa9\"").value() == "\xc3\xa9");
}

BOOST_AUTO_TEST_CASE(whatever_is_not_exactly_one_value_is_refused) {
  for (const char* bad : {"", " ", "{", "{}x", "{} {}", "nul", "'a'", "{a:1}", "[1,]", "01", "+1", "\"\n\"", "// c\n1"})
    refusal(bad);
}

BOOST_AUTO_TEST_CASE(what_is_not_json_is_named_with_its_place_and_what_stands_there) {
  constexpr char kWanted[] = "; wanted one value as RFC 8259 writes it";
  BOOST_TEST(refusal("") == std::string("not JSON at byte 1: found the end") + kWanted);
  BOOST_TEST(refusal("{}x") == std::string("not JSON at byte 3: found \"x\"") + kWanted);
  BOOST_TEST(refusal(R"({"a")") == std::string("not JSON at byte 5: found the end") + kWanted);
  BOOST_TEST(refusal("\"\xff\"") == std::string(R"(not JSON at byte 2: found "\xff")") + kWanted);
}

BOOST_AUTO_TEST_CASE(numbers_are_64_bit_integers_unless_fractions_are_wanted) {
  BOOST_TEST(parse_json("18446744073709551615").value() == 18446744073709551615U);
  for (const char* bad : {"1.5", "1e2", "18446744073709551616", "-9223372036854775809"}) refusal(bad);
  BOOST_TEST(parse_json("1.5", {.allow_fractions = true}).value() == 1.5);
}

BOOST_AUTO_TEST_CASE(what_is_written_is_one_line_of_utf_8) {
  const Json value = {{"text", "a\nb\xff"}, {"number", 1}};
  BOOST_TEST(dump_json(value) == "{\"text\":\"a\\nb\xef\xbf\xbd\",\"number\":1}");
}

BOOST_AUTO_TEST_CASE(a_byte_order_mark_is_refused) { BOOST_TEST(!parse_json("\xEF\xBB\xBF{}").has_value()); }

BOOST_AUTO_TEST_SUITE_END()
