#include "agent/http/router.h"

#include <boost/test/unit_test.hpp>

using namespace hubseal;
using namespace hubseal::agent::http;

namespace {

Router router() {
  std::vector<Route> routes;
  for (const auto& [method, path] :
       std::vector<std::pair<const char*, const char*>>{{"GET", "/api/dfsps"},
                                                        {"POST", "/api/dfsps"},
                                                        {"GET", "/api/dfsps/{dfspId}"},
                                                        {"POST", "/api/dfsps/servercerts"},
                                                        {"GET", "/api/dfsps/{dfspId}/enrollments/inbound/{enId}"}})
    routes.push_back({.method = method, .path = path, .handler = [](const Request&) { return ok({}); }});
  return Router(std::move(routes));
}

Router::Match match(const Router& router, const char* method, const char* target) {
  return router.match(method, parse_target(target).value().segments);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(router_)

BOOST_AUTO_TEST_CASE(paths_match_without_regard_to_case_and_with_a_trailing_slash) {
  const Router r = router();
  for (const char* target : {"/api/dfsps", "/API/DFSPs", "/api/dfsps/", "/api/dfsps?x=1"}) {
    const auto found = match(r, "GET", target);
    BOOST_REQUIRE_MESSAGE(found.route, target);
    BOOST_TEST(found.route->path == "/api/dfsps");
  }
}

BOOST_AUTO_TEST_CASE(parameters_keep_their_case_and_are_decoded) {
  const Router r = router();
  const auto found = match(r, "GET", "/api/dfsps/Bank%201/ENROLLMENTS/inbound/7");
  BOOST_REQUIRE(found.route);
  BOOST_TEST(found.path.at("dfspId") == "Bank 1");
  BOOST_TEST(found.path.at("enId") == "7");
}

BOOST_AUTO_TEST_CASE(a_static_segment_goes_before_a_parameter_also_for_the_method) {
  const Router r = router();
  BOOST_TEST(match(r, "POST", "/api/dfsps/servercerts").route->path == "/api/dfsps/servercerts");
  const auto other = match(r, "GET", "/api/dfsps/servercerts");
  BOOST_TEST(!other.route);
  BOOST_TEST(other.allow == "POST");
}

BOOST_AUTO_TEST_CASE(an_unknown_path_and_an_undeclared_method_are_told_apart) {
  const Router r = router();
  const auto unknown = match(r, "GET", "/api/nothing");
  BOOST_TEST(!unknown.route);
  BOOST_TEST(unknown.allow == "");
  const auto undeclared = match(r, "DELETE", "/api/dfsps");
  BOOST_TEST(!undeclared.route);
  BOOST_TEST(undeclared.allow == "GET, POST");
  BOOST_TEST(!match(r, "GET", "/api//dfsps").route);
  BOOST_TEST(!match(r, "GET", "/api/dfsps//").route);
}

BOOST_AUTO_TEST_CASE(targets_that_hide_something_are_refused) {
  for (const char* target :
       {"", "api/dfsps", "http://host/api", "*", "/api/%", "/api/%4", "/api/%zz", "/api/%00", "/api/a%0ab", "/api/../x",
        "/api/%2e%2e/x", "/api/./x", "/api/a%2fb", "/api/a%5cb", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q", "/api?x=%",
        "/api?x=%00", "/api?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q"}) {
    const auto parsed = parse_target(target);
    BOOST_TEST(!parsed.has_value(), "\"" << target << "\" was accepted");
    if (!parsed) BOOST_TEST((parsed.error().code == Code::bad_request));
  }
}

BOOST_AUTO_TEST_CASE(the_query_is_split_and_decoded) {
  const auto query = parse_target("/x?state=CERT%5fSIGNED&empty=&bare").value().query;
  BOOST_REQUIRE(query.size() == 3u);
  BOOST_TEST(query[0].first == "state");
  BOOST_TEST(query[0].second == "CERT_SIGNED");
  BOOST_TEST(query[1].second == "");
  BOOST_TEST(query[2].first == "bare");
}

BOOST_AUTO_TEST_SUITE_END()
