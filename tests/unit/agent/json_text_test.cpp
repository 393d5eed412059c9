#include "agent/http/handlers/json_text.h"

#include <stdexcept>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

using namespace hubseal;
using namespace hubseal::agent::http;

namespace {

std::string laid_out(std::string_view json, std::size_t depth = 0) {
  std::string text;
  append_laid_out(text, json, depth);
  return text;
}

/// What ok() makes of one object with these members.
std::string by_the_library(const Json& object) { return ok(object).body; }

const char* const kValues[] = {
    R"({})",
    R"([])",
    R"("")",
    R"(null)",
    R"(-12.5e+30)",
    R"([[],{},[[]],[{}]])",
    R"({"a":{"b":[1,2,{"c":null}],"d":""},"e":[true,false]})",
    R"({"[{":"}]","a,b:c":"{\"a\":[1,2]}","back\\slash\\":"\\","line\nend":"\"\\\""})",
    "{\"Zürich\":\"日本\",\"\\u0001\":\"\\u001f\"}",
};

}  // namespace

BOOST_AUTO_TEST_SUITE(json_text)

BOOST_AUTO_TEST_CASE(stored_json_is_laid_out_as_the_library_does_it) {
  for (const std::string value : kValues) {
    const Json parsed = Json::parse(value);
    BOOST_TEST(laid_out(dump_json(parsed)) == ok(parsed).body);
  }
}

BOOST_AUTO_TEST_CASE(members_and_items_are_written_as_the_library_writes_them) {
  for (const std::string value : kValues) {
    const Json parsed = Json::parse(value);
    const auto write = [&](ObjectText& item, int number) {
      item.number("id", number);
      item.text("csr", "-----BEGIN\r\n\"\\\t/-----\n");
      item.json("info", dump_json(parsed));
    };
    const auto as_json = [&](int number) {
      return Json{{"id", number}, {"csr", "-----BEGIN\r\n\"\\\t/-----\n"}, {"info", parsed}};
    };
    BOOST_TEST(ok_object(-7, write).body == ok(as_json(-7)).body);
    const std::vector<int> rows = {1, 20};
    const std::string expected = ok(Json{as_json(1), as_json(20)}).body;
    BOOST_TEST(ok_array(rows, write).body == expected);
    BOOST_TEST(ok_json_array(rows, as_json).body == expected);
  }
}

BOOST_AUTO_TEST_CASE(nothing_at_all_is_empty_as_the_library_has_it) {
  const auto write = [](ObjectText&, int) {};
  BOOST_TEST(ok_object(1, write).body == by_the_library(Json::object()));
  BOOST_TEST(ok_array(std::vector<int>(), write).body == "[]");
  BOOST_TEST(ok_array(std::vector<int>{1}, write).body == ok(Json{Json::object()}).body);
}

BOOST_AUTO_TEST_CASE(what_is_absent_is_left_out) {
  const auto write = [](ObjectText& item, int) {
    item.optional_text("a", std::nullopt);
    item.optional_text("b", "x");
    item.optional_json("c", std::nullopt);
    item.optional_json("d", "[1]");
  };
  BOOST_TEST(ok_object(1, write).body == by_the_library({{"b", "x"}, {"d", {1}}}));
}

BOOST_AUTO_TEST_CASE(every_byte_of_a_text_is_escaped_as_the_library_does_it) {
  for (int byte = 0; byte < 256; ++byte)
    for (const std::string& text :
         {std::string(1, static_cast<char>(byte)), "line\n" + std::string(1, static_cast<char>(byte)) + "\xc3\xa9"}) {
      const auto write = [&](ObjectText& item, int) { item.text("text", text); };
      BOOST_TEST(ok_object(1, write).body == by_the_library({{"text", text}}));
    }
}

BOOST_AUTO_TEST_CASE(stored_json_that_breaks_off_or_ends_too_late_is_no_answer) {
  for (const char* broken : {"", "{", "[1,2", R"({"a":"b)", R"({"a":"b\)", R"({"a":"b\")", R"(["a]})", "{}}", "]"})
    BOOST_CHECK_THROW(laid_out(broken, 1), std::runtime_error);
}

// As a member's value it would bring further members along, or end the answer.
BOOST_AUTO_TEST_CASE(stored_json_that_is_more_than_one_value_is_no_answer) {
  for (const char* broken : {R"([],"validationState":"VALID")", R"(1,"publicKey":"x")", R"("a","b":"c")", R"({},{})",
                             R"({}"a")", R"("a""b")", R"(:1)", R"(,1)", "1 2", "[] ", " []", "[1}", "{]",
                             R"([{"a":1]})", "[1]2", "1[2]", "[1\n]", "\x01"})
    BOOST_CHECK_THROW(laid_out(broken, 1), std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()
