#include "agent/http/api_document.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "tests/unit/agent/whole_agent.h"

using namespace hubseal;
using namespace hubseal::agent::http;
using hubseal::agent::test::WholeAgent;

namespace {

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

/// "GET /api/dfsps: everyone pta", as a client reads it: the server's address, the path, and who may.
std::set<std::string> operations_of(const Json& document) {
  std::set<std::string> found;
  for (const auto& [path, item] : document["paths"].items())
    for (const auto& [method, operation] : item.items()) {
      if (method == "servers") continue;
      for (const Json& server : item.value("servers", document["servers"])) {
        const auto base = server["url"].get<std::string>();
        std::string line = fmt::format("{} {}{}:", upper(method), base == "/" ? "" : base, path);
        for (const Json& role : operation["x-roles"]) line += " " + role.get<std::string>();
        found.insert(std::move(line));
      }
    }
  return found;
}

std::set<std::string> operations_of(const std::vector<Route>& routes) {
  std::set<std::string> found;
  for (const Route& route : routes) {
    std::string path = route.path;
    path.erase(std::remove(path.begin(), path.end(), '*'), path.end());
    std::string line = fmt::format("{} {}:", route.method, path);
    for (const Role role : route.roles) line.append(" ").append(hubseal::agent::auth::to_string(role));
    found.insert(std::move(line));
  }
  return found;
}

void collect_references(const Json& part, std::set<std::string>& found) {
  if (part.is_object() && part.contains("$ref")) found.insert(part["$ref"].get<std::string>());
  if (part.is_structured())
    for (const Json& child : part) collect_references(child, found);
}

Route route(std::string method, std::string path) {
  return {.method = std::move(method), .path = std::move(path), .handler = nullptr, .roles = {Role::pta}};
}

bool says(const std::vector<std::string>& gaps, std::string_view text) {
  return std::any_of(gaps.begin(), gaps.end(), [text](const std::string& gap) { return gap.starts_with(text); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(api_document)

BOOST_FIXTURE_TEST_CASE(something_is_written_for_every_route_and_for_nothing_else, WholeAgent) {
  for (const std::string& gap : describe(routes()).gaps) BOOST_TEST(false, gap);
}

BOOST_FIXTURE_TEST_CASE(every_route_stands_in_the_document_with_its_roles_and_nothing_else_does, WholeAgent) {
  const auto documented = operations_of(describe(routes()).document);
  const auto served = operations_of(routes());
  BOOST_TEST(documented == served, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(references_lead_somewhere_and_everything_written_is_used, WholeAgent) {
  const Json document = describe(routes()).document;
  std::set<std::string> used, there;
  collect_references(document, used);
  for (const auto& [section, items] : document["components"].items())
    for (const auto& [name, item] : items.items())
      if (section != "securitySchemes") there.insert(fmt::format("#/components/{}/{}", section, name));
  BOOST_TEST(used == there, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_route_for_which_nothing_is_written_is_named_with_what_to_add_and_stands_there_all_the_same) {
  const ApiDocument made = describe({route("PUT", "/api/new/{newId}")});
  BOOST_TEST(says(made.gaps,
                  R"(nothing is written for put /new/{newId}; below "paths" of a file of agent/openapi/ add )"
                  R"("/new/{newId}": {"put": {"summary": "...", "responses": {"200": ...}}})"));
  BOOST_TEST(says(made.gaps, "nothing is written for {newId} of /api/new/{newId}; add it to components/parameters"));
  BOOST_TEST(made.document["paths"]["/new/{newId}"].contains("put"));
}

BOOST_AUTO_TEST_CASE(what_is_written_and_served_by_no_route_is_named) {
  const ApiDocument made = describe({route("GET", "/api/dfsps")});
  BOOST_TEST(says(made.gaps, "there is no route post /dfsps; take it out of agent/openapi/"));
  BOOST_TEST(!made.document["paths"]["/dfsps"].contains("post"));
}

BOOST_AUTO_TEST_CASE(members_and_queries_for_which_nothing_is_written_are_named) {
  Route post = route("POST", "/api/dfsps");
  post.takes_body = true;
  post.body = {{.name = "outer", .type = Type::object, .members = {{.name = "inner"}}}};
  post.query = {"unheard"};
  const auto gaps = describe({post}).gaps;
  BOOST_TEST(says(gaps, "nothing is written for the member outer of a body"));
  BOOST_TEST(says(gaps, "nothing is written for the member inner of a body"));
  BOOST_TEST(says(gaps, "nothing is written for ?unheard= of /api/dfsps"));
}

BOOST_AUTO_TEST_CASE(a_path_served_below_and_beside_api_stands_once_with_both_addresses) {
  const Json paths =
      describe({route("GET", "/health"), route("GET", "/api/health"), route("GET", "/docs")}).document["paths"];
  BOOST_TEST(paths["/health"]["servers"] == Json::parse(R"([{"url": "/"}, {"url": "/api"}])"));
  BOOST_TEST(paths["/docs"]["servers"] == Json::parse(R"([{"url": "/"}])"));
}

BOOST_AUTO_TEST_CASE(pieces_of_lists_and_conditional_requests_stand_where_the_route_knows_them) {
  Route list = route("GET", "/api/dfsps"), add = route("POST", "/api/dfsps"),
        secret = route("GET", "/api/dfsps/{dfspId}");
  list.paged = true;
  add.heeds_if_match = true;
  secret.has_etag = false;
  const Json paths = describe({list, add, secret}).document["paths"];
  const auto parameter = [](const char* name) {
    return Json{{"$ref", std::string("#/components/parameters/") + name}};
  };
  const Json &get = paths["/dfsps"]["get"], &post = paths["/dfsps"]["post"], &one = paths["/dfsps/{dfspId}"]["get"];
  BOOST_TEST(get["parameters"] == Json::array({parameter("limit"), parameter("offset"), parameter("If-None-Match")}));
  BOOST_TEST(get["responses"].contains("304"));
  BOOST_TEST(post["parameters"] == Json::array({parameter("If-Match")}));
  BOOST_TEST(post["responses"].contains("412"));
  BOOST_TEST(one["parameters"] == Json::array({parameter("dfspId")}));
  BOOST_TEST(!one["responses"].contains("304"));
}

BOOST_AUTO_TEST_CASE(what_a_body_may_be_is_what_the_route_checks) {
  const Schema schema = {
      {.name = "text", .required = true, .max_bytes = 9, .min_bytes = 1, .nullable = true},
      {.name = "word", .one_of = {"a", "b"}},
      {.name = "list", .type = Type::text_list, .max_bytes = 3, .max_items = 4, .min_items = 2},
      {.name = "either", .type = Type::text_or_list, .max_bytes = 5, .max_items = 6},
      {.name = "flag", .type = Type::boolean},
      {.name = "count", .type = Type::number},
      {.name = "rows",
       .type = Type::object_list,
       .max_items = 7,
       .members = {{.name = "x", .max_bytes = 8}},
       .closed = true},
  };
  BOOST_TEST(json_schema(schema, true) == Json::parse(R"({
      "type": "object",
      "properties": {
        "text": {"anyOf": [{"type": "string", "minLength": 1, "maxLength": 9}, {"type": "null"}]},
        "word": {"type": "string", "enum": ["a", "b"]},
        "list": {"type": "array", "maxItems": 4, "items": {"type": "string", "maxLength": 3}, "minItems": 2},
        "either": {"anyOf": [{"type": "string", "maxLength": 5},
                             {"type": "array", "maxItems": 6, "items": {"type": "string", "maxLength": 5}}]},
        "flag": {"type": "boolean"},
        "count": {"type": "number"},
        "rows": {"type": "array", "maxItems": 7,
                 "items": {"type": "object", "properties": {"x": {"type": "string", "maxLength": 8}}, "additionalProperties": false}}
      },
      "required": ["text"],
      "additionalProperties": false
    })"));
}

BOOST_AUTO_TEST_SUITE_END()
