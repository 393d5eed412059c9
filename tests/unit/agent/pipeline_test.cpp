#include "agent/http/pipeline.h"

#include <stdexcept>

#include <boost/test/unit_test.hpp>

using namespace hubseal;
using namespace hubseal::agent::http;

namespace {

Pipeline pipeline() {
  std::vector<Route> routes;
  routes.push_back({.method = "POST",
                    .path = "/api/things",
                    .handler =
                        [](const Request& request) {
                          return ok({{"name", request.body["name"]}});
                        },
                    .takes_body = true,
                    .body = {{.name = "name", .required = true, .max_bytes = 8, .min_bytes = 1},
                             {.name = "flag", .type = Type::boolean},
                             {.name = "list", .type = Type::text_list, .max_bytes = 2, .max_items = 2}},
                    .query = {"state"}});
  routes.push_back({.method = "POST", .path = "/api/things/{enId}/sign", .handler = [](const Request& request) {
                      return ok({{"id", request.number("enId")}});
                    }});
  routes.push_back({.method = "GET",
                    .path = "/api/list",
                    .handler =
                        [](const Request& request) {
                          return ok(request.page.of(std::vector<int>{1, 2, 3, 4}));
                        },
                    .paged = true});
  routes.push_back({.method = "GET", .path = "/api/broken", .handler = [](const Request&) -> Outcome {
                      throw std::runtime_error("SELECT secret FROM table");
                    }});
  return Pipeline(std::move(routes), BrowserGuard({}));
}

Incoming post(const std::string& target, const std::string& body) {
  return {.method = "POST", .target = target, .content_type = "application/json", .host = "localhost", .body = body};
}

Answer ask(const Incoming& incoming) { return pipeline().answer(incoming, "0123456789abcdef"); }

Json body_of(const Answer& answer) { return parse_json(answer.body).value(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(pipeline_)

BOOST_AUTO_TEST_CASE(success_is_json_indented_by_two_spaces_without_a_charset) {
  const Answer answer = ask(post("/api/things", R"({"name":"a","unknown":{"x":1.5}})"));
  BOOST_TEST(answer.status == 200);
  BOOST_TEST(answer.content_type == "application/json");
  BOOST_TEST(answer.body == "{\n  \"name\": \"a\"\n}");
}

BOOST_AUTO_TEST_CASE(an_answer_names_its_route_also_when_the_handler_threw) {
  const Pipeline one = pipeline();
  const auto route_of = [&](const Incoming& incoming) {
    const Answer answer = one.answer(incoming, "c");
    return answer.route ? answer.route->path : "";
  };
  BOOST_TEST(route_of(post("/api/THINGS/", "{}")) == "/api/things");
  BOOST_TEST(route_of({.method = "GET", .target = "/api/broken", .host = "localhost"}) == "/api/broken");
  BOOST_TEST(route_of({.method = "PUT", .target = "/api/broken", .host = "localhost"}) == "");
  BOOST_TEST(route_of({.method = "GET", .target = "/nowhere", .host = "localhost"}) == "");
}

BOOST_AUTO_TEST_CASE(all_violations_are_reported_in_shape_a) {
  const Answer answer = ask(post("/api/things", R"({"flag":"yes","list":["abc",1]})"));
  BOOST_TEST(answer.status == 400);
  BOOST_TEST(answer.content_type == "application/json; charset=utf-8");
  const Json body = body_of(answer);
  BOOST_TEST(body["errors"].size() == 4u);
  BOOST_TEST(body["errors"][0] == Json::parse(R"({"path":".body.name","message":"should have required property 'name'",
      "errorCode":"required.openapi.validation"})"));
  BOOST_TEST(body["errors"][1]["path"] == ".body.flag");
  BOOST_TEST(body["errors"][2]["path"] == ".body.list[0]");
  BOOST_TEST(body["errors"][3]["errorCode"] == "type.openapi.validation");
  BOOST_TEST(body["message"].get<std::string>().starts_with(
      "request.body should have required property 'name', request.body.flag should be boolean, "));
  BOOST_TEST(body["correlationId"] == "0123456789abcdef");
}

BOOST_AUTO_TEST_CASE(lengths_nul_and_null_are_refused) {
  for (const char* body : {R"({"name":""})", R"({"name":"123456789"})", R"({"name":"a\u0000b"})", R"({"name":null})",
                           R"({"name":"a","list":["a","b","c"]})", R"([])", R"("text")", ""})
    BOOST_TEST(ask(post("/api/things", body)).status == 400, body << " was accepted");
}

BOOST_AUTO_TEST_CASE(text_that_is_not_strict_json_is_refused_without_errors) {
  std::string deep(100, '[');
  for (const std::string& body :
       {std::string("{"), std::string(R"({"name":"a"} x)"), std::string(R"({"name":"a","name":"b"})"),
        std::string("{\"name\":\"\xff\"}"), R"({"name":"a","x":)" + deep}) {
    const Answer answer = ask(post("/api/things", body));
    BOOST_TEST(answer.status == 400, body);
    BOOST_TEST(!body_of(answer).contains("errors"));
  }
}

BOOST_AUTO_TEST_CASE(a_private_key_anywhere_in_a_body_is_refused_with_its_place_and_an_explanation) {
  const std::pair<const char*, const char*> bodies[] = {
      {R"({"name":"a","privateKey":"x"})", ".body.privateKey"},
      {R"({"name":"a","x":[1,{"privateKey":null}]})", ".body.x[1].privateKey"},
      {R"({"name":"a","x\u0007":{"y":"-----BEGIN EC PRIVATE KEY-----"}})", R"(.body.x\x07.y)"},
      {R"(["-----BEGIN PRIVATE KEY-----"])", ".body[0]"}};
  for (const auto& [body, place] : bodies) {
    const Answer answer = ask(post("/api/things", body));
    BOOST_TEST(answer.status == 400);
    BOOST_TEST(body_of(answer)["errors"][0]["path"] == place);
    BOOST_TEST(body_of(answer)["message"].get<std::string>().find("private key must never be sent") !=
               std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_private_key_is_explained_also_where_its_body_is_not_read) {
  const std::string pem = "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n";
  for (const char* type : {"text/plain", "application/json"})
    for (const std::string& body : {pem, Json{{"name", pem}}.dump() + " x", Json{{"privateKey", "x"}}.dump()}) {
      Incoming request = post("/api/things", body);
      request.content_type = type;
      const Answer answer = ask(request);
      BOOST_TEST(answer.status == 400, type << " " << body);
      BOOST_TEST(
          body_of(answer)["message"].get<std::string>().find("private key must never be sent") != std::string::npos,
          type << " " << body);
    }
}

BOOST_AUTO_TEST_CASE(only_json_is_taken_where_a_body_is_declared) {
  Incoming request = post("/api/things", R"({"name":"a"})");
  request.content_type = "Application/JSON ; charset=utf-8";
  BOOST_TEST(ask(request).status == 200);
  for (const auto& type : {std::optional<std::string>(), std::optional<std::string>("text/plain"),
                           std::optional<std::string>("application/json2"), std::optional<std::string>("")}) {
    request.content_type = type;
    const Answer answer = ask(request);
    BOOST_TEST(answer.status == 415);
    BOOST_TEST(body_of(answer)["errors"][0]["path"] == "/api/things");
  }
  request.content_type.reset();
  BOOST_TEST(body_of(ask(request))["message"] == "unsupported media type undefined");
}

BOOST_AUTO_TEST_CASE(where_no_body_is_declared_anything_is_ignored) {
  Incoming request = post("/api/things/7/sign", "{ broken");
  BOOST_TEST(ask(request).status == 200);
  request.content_type = "text/plain";
  BOOST_TEST(ask(request).status == 200);
}

BOOST_AUTO_TEST_CASE(a_private_key_is_refused_where_no_body_is_declared) {
  for (const char* body : {R"({"privateKey":"x"})", R"({"x":"-----BEGIN RSA PRIVATE KEY-----"})",
                           "-----BEGIN PRIVATE KEY-----\nMII", "\xff{ -----BEGIN PRIVATE KEY-----"}) {
    Incoming request = post("/api/things/7/sign", body);
    request.content_type.reset();
    const Answer answer = ask(request);
    BOOST_TEST(answer.status == 400, body << " was accepted");
    BOOST_TEST(body_of(answer)["errors"][0]["errorCode"] == "privateKey.hubseal");
  }
}

BOOST_AUTO_TEST_CASE(a_number_in_a_path_is_digits_only) {
  for (const char* id : {"abc", "1e3", "0x10", "-1", "+1", "%201", "12abc", "9999999999999999999"})
    BOOST_TEST(ask(post("/api/things/" + std::string(id) + "/sign", "")).status == 400, id << " was accepted");
}

BOOST_AUTO_TEST_CASE(unknown_empty_and_repeated_query_parameters_are_refused) {
  const std::string body = R"({"name":"a"})";
  BOOST_TEST(ask(post("/api/things?state=x", body)).status == 200);
  for (const char* query : {"?other=1", "?state=", "?state", "?state=a&state=b"}) {
    const Answer answer = ask(post("/api/things" + std::string(query), body));
    BOOST_TEST(answer.status == 400, query << " was accepted");
    BOOST_TEST(body_of(answer)["errors"][0]["path"].get<std::string>().starts_with(".query."));
  }
}

BOOST_AUTO_TEST_CASE(a_list_comes_in_pieces_where_somebody_asks_for_them) {
  const auto get = [](const std::string& query) {
    return ask({.method = "GET", .target = "/api/list" + query, .host = "localhost"});
  };
  for (const auto& [query, wanted] : {std::pair("", "[1,2,3,4]"),
                                      {"?limit=2", "[1,2]"},
                                      {"?offset=3", "[4]"},
                                      {"?limit=1&offset=1", "[2]"},
                                      {"?limit=1000&offset=0", "[1,2,3,4]"},
                                      {"?offset=4", "[]"},
                                      {"?offset=1000000000", "[]"}})
    BOOST_TEST(body_of(get(query)) == Json::parse(wanted), query);
  BOOST_TEST(body_of(ask({.method = "GET", .target = "/api/list?limit=x", .host = "localhost"}))["message"] ==
             "request.query.limit should be integer of 1 to 1000");
  for (const char* query : {"?limit=0", "?limit=1001", "?limit=-1", "?limit=x", "?limit=1x", "?offset=-1",
                            "?limit=", "?offset=1000000001", "?limit=1&limit=1", "?page=1"})
    BOOST_TEST(get(query).status == 400, query);
}

BOOST_AUTO_TEST_CASE(what_is_read_is_known_by_its_etag) {
  Incoming request = {.method = "GET", .target = "/api/list", .host = "localhost"};
  const auto etag = [](const Answer& answer) {
    for (const auto& [name, value] : answer.headers)
      if (name == "ETag") return value;
    return std::string();
  };
  const std::string first = etag(ask(request));
  BOOST_TEST(first.size() == 34u);
  request.if_none_match = first;
  BOOST_TEST(ask(request).status == 304);
  BOOST_TEST(ask(request).body.empty());
  request.target = "/api/list?limit=1";
  BOOST_TEST(ask(request).status == 200);
  BOOST_TEST(etag(ask(request)) != first);
  BOOST_TEST(etag(ask(post("/api/things", R"({"name":"a"})"))).empty());
}

BOOST_AUTO_TEST_CASE(unknown_routes_get_404_and_methods_405_with_allow) {
  Answer answer = ask(post("/api/nothing", "{}"));
  BOOST_TEST(answer.status == 404);
  BOOST_TEST(body_of(answer)["errors"][0] == Json::parse(R"({"path":"/api/nothing","message":"not found"})"));
  BOOST_TEST(ask(post("/elsewhere", "")).status == 404);
  Incoming head = post("/api/things", "");
  head.method = "HEAD";
  answer = ask(head);
  BOOST_TEST(answer.status == 405);
  BOOST_TEST(answer.allow == "POST");
  BOOST_TEST(body_of(answer)["message"] == "HEAD method not allowed");
}

BOOST_AUTO_TEST_CASE(an_exception_becomes_500_and_its_text_stays_inside) {
  Incoming request = post("/api/broken", "");
  request.method = "GET";
  const Answer answer = ask(request);
  BOOST_TEST(answer.status == 500);
  BOOST_TEST(answer.body.find("SELECT") == std::string::npos);
  BOOST_TEST(answer.body.find("incident 0123456789abcdef") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(correlation_ids_are_16_digits_and_differ) {
  const std::string id = new_correlation_id();
  BOOST_TEST(id.size() == 16u);
  BOOST_TEST(id != new_correlation_id());
}

BOOST_AUTO_TEST_SUITE_END()
