#include "agent/http/schema.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

using namespace hubseal;
using namespace hubseal::agent::http;

namespace {

const Schema kSchema = {
    {.name = "word", .one_of = {"yes", "no"}},
    {.name = "thing",
     .type = Type::object,
     .members = {{.name = "name", .required = true, .max_bytes = 4}},
     .closed = true},
    {.name = "things",
     .type = Type::object_list,
     .max_items = 2,
     .min_items = 1,
     .members = {{.name = "name", .required = true, .max_bytes = 4}}},
};

std::vector<std::string> wrong(const char* text, bool closed = false) {
  std::vector<std::string> found;
  for (const Violation& violation : check_body(Json::parse(text), kSchema, closed))
    found.push_back(violation.path + " " + violation.error_code);
  return found;
}

using Found = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(schema)

BOOST_AUTO_TEST_CASE(what_fits_is_accepted_with_members_that_nobody_named) {
  BOOST_TEST(wrong(R"({"word":"yes","thing":{"name":"a"},"things":[{"name":"a","more":1}],"more":1})").empty());
}

BOOST_AUTO_TEST_CASE(a_word_that_is_not_in_the_list_is_refused) {
  BOOST_TEST(wrong(R"({"word":"maybe"})") == Found{".body.word enum.openapi.validation"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(objects_inside_are_checked_by_their_own_members) {
  const Found expected = {".body.thing.name required.openapi.validation",
                          ".body.thing.more additionalProperties.openapi.validation"};
  BOOST_TEST(wrong(R"({"thing":{"more":1}})") == expected, boost::test_tools::per_element());
  BOOST_TEST(wrong(R"({"thing":[]})") == Found{".body.thing type.openapi.validation"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(lists_of_objects_have_a_length_and_items_that_fit) {
  const Found expected = {".body.things[1].name maxLength.openapi.validation"};
  BOOST_TEST(wrong(R"({"things":[{"name":"a"},{"name":"abcde"}]})") == expected, boost::test_tools::per_element());
  BOOST_TEST(wrong(R"({"things":[]})") == Found{".body.things minItems.openapi.validation"},
             boost::test_tools::per_element());
  BOOST_TEST(wrong(R"({"things":[{"name":"a"},{"name":"a"},1]})") == Found{".body.things maxItems.openapi.validation"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_closed_body_has_no_other_members) {
  BOOST_TEST(wrong(R"({"more":1})", true) == Found{".body.more additionalProperties.openapi.validation"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
