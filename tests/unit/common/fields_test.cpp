#include "common/fields.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

using namespace hubseal;

namespace {

constexpr std::array<std::pair<std::string_view, int>, 2> kColours = {{{"red", 1}, {"green", 2}}};

template <class T>
void check_refused(const Result<T>& result, Code code, const std::string& word) {
  BOOST_REQUIRE(!result.has_value());
  BOOST_TEST((result.error().code == code));
  BOOST_TEST(result.error().message.find(word) != std::string::npos, result.error().message);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fields)

BOOST_AUTO_TEST_CASE(members_are_taken_by_name_and_the_rest_is_refused) {
  const Json json = {{"label", "hub-ca"}, {"count", 3}, {"extra", true}};
  Fields fields = Fields::of(json).value();
  BOOST_TEST(fields.name("label", 64).value() == "hub-ca");
  BOOST_TEST(fields.integer("count", 1, 5).value() == 3);
  check_refused(fields.nothing_left(), Code::bad_request, "extra");
  BOOST_TEST(fields.boolean_or("extra", false).value());
  BOOST_TEST(fields.nothing_left().has_value());
}

BOOST_AUTO_TEST_CASE(a_slip_in_writing_is_told_as_that) {
  for (const char* slip : {"validity_dais", "vailidity_days", "validity_day", "avlidity_days"}) {
    const Json json = {{slip, 3}};
    check_refused(Fields::of(json).value().integer("validity_days", 1, 5), Code::bad_request,
                  std::string("\"") + slip + "\" is not known here; did you mean \"validity_days\"?");
  }
  const Json json = {{"approver", "bob"}, {"reasons", "x"}};
  Fields fields = Fields::of(json).value();
  check_refused(fields.name("approval", 24), Code::bad_request,
                "\"approval\" is missing");  // two slips apart: both known
  BOOST_TEST(!fields.optional_text("reason", 8).value().has_value());
  BOOST_TEST(fields.name("approver", 24).has_value());
  check_refused(fields.nothing_left(), Code::bad_request, "did you mean \"reason\"?");
}

BOOST_AUTO_TEST_CASE(what_may_be_there_can_be_said_at_once) {
  const Json json = {{"rotate_ca", 2}};
  const Fields fields = Fields::of(json, "needed.").value();
  check_refused(fields.only({"retire_ca", "unseal"}), Code::bad_request,
                "\"needed.rotate_ca\" is not known here; did you mean \"retire_ca\"?");
  check_refused(fields.only({"unseal"}), Code::bad_request, "\"needed.rotate_ca\" is not known here");
  BOOST_TEST(fields.only({"unseal", "rotate_ca"}).has_value());
}

BOOST_AUTO_TEST_CASE(texts_are_bounded_in_bytes_and_hold_no_nul) {
  const Json json = {{"a", "four"}, {"empty", ""}, {"nul", std::string("a\0b", 3)}, {"number", 1}};
  Fields fields = Fields::of(json).value();
  BOOST_TEST(fields.text("a", 4).value() == "four");
  check_refused(fields.text("a", 3), Code::too_large, "a");
  check_refused(fields.text("empty", 4), Code::bad_request, "empty");
  check_refused(fields.text("nul", 4), Code::bad_request, "nul");
  check_refused(fields.text("number", 4), Code::bad_request, "\"number\" is a number; wanted a string");
  check_refused(fields.text("absent", 4), Code::bad_request, "absent");
  BOOST_TEST(!fields.optional_text("absent", 4).value().has_value());
}

BOOST_AUTO_TEST_CASE(names_are_identifiers) {
  for (const char* good : {"a", "hub-ca", "Bank_1.example", "0"}) BOOST_TEST(is_name(good), good);
  for (const char* bad : {"", "-a", ".a", "_a", "a b", "a/b", "a\n", "\xc3\xa9"}) BOOST_TEST(!is_name(bad), bad);
}

BOOST_AUTO_TEST_CASE(numbers_outside_their_range_or_type_are_refused) {
  const Json json = {{"n", 7}, {"huge", 18446744073709551615U}, {"text", "7"}, {"flag", true}};
  Fields fields = Fields::of(json).value();
  check_refused(fields.integer("n", 1, 6), Code::bad_request, "n");
  check_refused(fields.integer("huge", 0, INT64_MAX), Code::bad_request, "huge");
  check_refused(fields.integer("text", 0, 10), Code::bad_request, "text");
  check_refused(fields.integer("flag", 0, 10), Code::bad_request, "flag");
  BOOST_TEST(fields.integer_or("absent", 0, 10, 5).value() == 5);
}

BOOST_AUTO_TEST_CASE(a_choice_says_what_it_wanted) {
  const Json json = {{"good", "green"}, {"bad", "blue"}};
  Fields fields = Fields::of(json).value();
  BOOST_TEST(fields.choice("good", kColours).value() == 2);
  check_refused(fields.choice("bad", kColours), Code::bad_request, "red, green");
}

BOOST_AUTO_TEST_CASE(nested_members_are_named_by_their_path) {
  const Json json = {{"token", {{"label", 1}}}, {"peer", Json::array({{{"name", "x"}}, 5})}};
  Fields fields = Fields::of(json).value();
  Fields token = fields.object("token").value();
  check_refused(token.text("label", 10), Code::bad_request, "token.label");
  BOOST_TEST(!fields.object_list("peer", 4).has_value());
}

BOOST_AUTO_TEST_CASE(lists_are_bounded_in_length_and_items) {
  const Json json = {{"dns", {"a", "bb", "ccc"}}, {"mixed", {"a", 1}}};
  Fields fields = Fields::of(json).value();
  BOOST_TEST(fields.text_list("dns", 3, 3).value().size() == 3U);
  BOOST_TEST(!fields.text_list("dns", 2, 3).has_value());
  BOOST_TEST(!fields.text_list("dns", 3, 2).has_value());
  BOOST_TEST(!fields.text_list("mixed", 3, 3).has_value());
  BOOST_TEST(fields.text_list("absent", 3, 3).value().empty());
}

BOOST_AUTO_TEST_CASE(only_objects_have_fields) {
  for (const auto& [json, kind] : {std::pair(Json(1), "a number"), std::pair(Json::array(), "a list"),
                                   std::pair(Json(nullptr), "null"), std::pair(Json("x"), "a string")})
    check_refused(Fields::of(json).map([](const Fields&) {}), Code::bad_request,
                  std::string("the message is ") + kind + "; wanted an object");
}

BOOST_AUTO_TEST_CASE(a_value_of_the_wrong_kind_is_named_by_its_kind_and_a_secret_without_quotes_is_not_told) {
  const Json json = {{"pin", 123456}, {"dns", "a.example"}, {"peer", "x"}, {"subject", {1}}, {"flag", true}};
  Fields fields = Fields::of(json).value();
  const auto secret = fields.text("pin", 16);
  check_refused(secret, Code::bad_request, "\"pin\" is a number; wanted a string");
  BOOST_TEST(secret.error().message.find("123456") == std::string::npos, secret.error().message);
  check_refused(fields.text_list("dns", 3, 8), Code::bad_request, "\"dns\" is a string; wanted a list");
  check_refused(fields.object_list("peer", 3), Code::bad_request, "\"peer\" is a string; wanted a list");
  check_refused(fields.object("subject"), Code::bad_request, "\"subject\" is a list; wanted an object");
  check_refused(fields.text("flag", 8), Code::bad_request, "\"flag\" is true or false; wanted a string");
}

BOOST_AUTO_TEST_SUITE_END()
