#include "agent/http/gate.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include <fmt/ranges.h>
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "agent/auth/token_verifier.h"
#include "agent/service/dfsps.h"
#include "agent/store/database.h"
#include "tests/unit/agent/agent_support.h"
#include "tests/unit/agent/token_support.h"
#include "tests/unit/agent/whole_agent.h"

using namespace hubseal;
using namespace hubseal::agent;
using namespace hubseal::agent::http;
using namespace hubseal::agent::test;

namespace {

/// A gate in front of two DFSPs, and tokens for it.
struct Room {
  Room() {
    BOOST_REQUIRE(dfsps.add({"c"}, {.id = "MINE", .name = "Mine"}).has_value());
    BOOST_REQUIRE(dfsps.add({"c"}, {.id = "OTHER", .name = "Other"}).has_value());
  }

  /// The status that the gate answers with; 200: it opens.
  int ask(const std::vector<std::string>& groups, std::vector<Role> roles, const std::string& dfsp = "") {
    const Route route{.method = "GET", .path = "/api/x", .handler = nullptr, .roles = std::move(roles)};
    PathParameters path;
    if (!dfsp.empty()) path.emplace("dfspId", dfsp);
    Json claims = {{"iss", "i"}, {"aud", "a"}, {"sub", "s"}, {"exp", 2000000000}, {"groups", groups}};
    Incoming incoming;
    incoming.authorization = "Bearer " + key.sign(claims);
    const auto caller = gate.admit(incoming, route, path, "c-1");
    return caller ? 200 : caller.error().status;
  }

  TempFolder folder;
  std::unique_ptr<store::Database> database = store::Database::open({.file = folder / "agent.db"}).value();
  store::DfspTable table{*database};
  FixedClock clock{TimePoint(std::chrono::seconds(1900000000))};
  Dfsps dfsps{table, clock};
  TokenKey key{"k", true};
  auth::JwksCache keys{[this] { return set_of({&key}); }, {}};
  auth::TokenVerifier verifier{{.issuer = "i", .audience = "a"}, keys, clock};
  Gate gate{verifier, dfsps};
};

const std::vector<std::string> kPta = {"Application/PTA"};
const std::vector<std::string> kMta = {"Application/MTA"};
const std::vector<std::string> kMine = {"Application/DFSP:MINE"};

/// Rows of docs/REST.md, a path and those who may call it each: "| `GET`, `POST` | `/api/hub/ca` | pta |".
std::vector<std::string> rows_of(const std::vector<Route>& routes) {
  std::vector<std::pair<std::string, std::string>> rows;  // methods; the rest
  for (const Route& route : routes) {
    std::vector<std::string_view> roles;
    for (const Role role : route.roles) roles.push_back(to_string(role));
    std::sort(roles.begin(), roles.end());
    const std::string rest = fmt::format("| `{}` | {} |", route.path, fmt::join(roles, ", "));
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const auto& known) { return known.second == rest; });
    if (row == rows.end())
      rows.emplace_back(fmt::format("| `{}`", route.method), rest);
    else
      row->first += fmt::format(", `{}`", route.method);
  }
  std::vector<std::string> lines;
  for (const auto& [methods, rest] : rows) lines.push_back(methods + " " + rest);
  return lines;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gate)

BOOST_AUTO_TEST_CASE(a_route_opens_to_the_roles_that_it_lists) {
  Room room;
  BOOST_TEST(room.ask(kPta, {Role::pta}) == 200);
  BOOST_TEST(room.ask(kMta, {Role::pta}) == 403);
  BOOST_TEST(room.ask(kMine, {Role::mta, Role::pta}) == 403);
  BOOST_TEST(room.ask(kMine, {Role::dfsp}) == 200);
  BOOST_TEST(room.ask({}, {Role::everyone}) == 200);
}

BOOST_AUTO_TEST_CASE(a_route_that_lists_no_role_is_nobodys) {
  Room room;
  BOOST_TEST(room.ask(kPta, {}) == 403);
  BOOST_TEST(room.ask(kPta, {}, "MINE") == 403);
}

BOOST_AUTO_TEST_CASE(below_a_dfsp_its_scopes_are_enforced) {
  Room room;
  BOOST_TEST(room.ask(kMine, {Role::dfsp, Role::pta}, "MINE") == 200);
  BOOST_TEST(room.ask(kMine, {Role::pta}, "MINE") == 403);
  BOOST_TEST(room.ask(kMta, {Role::mta}, "MINE") == 200);
  BOOST_TEST(room.ask(kMta, {Role::dfsp, Role::pta}, "MINE") == 403);
  BOOST_TEST(room.ask(kPta, {Role::dfsp}, "MINE") == 403);
}

BOOST_AUTO_TEST_CASE(a_dfsp_is_itself_alone_also_where_everyone_may) {
  Room room;
  for (const Role role : {Role::dfsp, Role::everyone}) {
    BOOST_TEST(room.ask(kMine, {role}, "MINE") == 200);
    for (const char* other : {"OTHER", "NOBODY", "mine"}) BOOST_TEST(room.ask(kMine, {role}, other) == 403, other);
    BOOST_TEST(room.ask({}, {role}, "MINE") == 403);
  }
  BOOST_TEST(room.ask(kPta, {Role::everyone}, "OTHER") == 200);
}

BOOST_AUTO_TEST_CASE(an_empty_security_group_opens_nothing) {
  Room room;
  BOOST_REQUIRE(room.table.add({.id = "EMPTY", .name = "Empty"}, room.clock.now()).has_value());
  BOOST_TEST(room.ask(kMine, {Role::dfsp}, "EMPTY") == 403);
  BOOST_TEST(room.ask({"Application/DFSP:"}, {Role::dfsp}, "EMPTY") == 403);
}

BOOST_FIXTURE_TEST_CASE(the_table_of_roles_in_REST_md_is_the_routes, WholeAgent) {
  std::ifstream file("docs/REST.md");
  std::vector<std::string> written;
  bool in_table = false;
  for (std::string line; std::getline(file, line);) {
    if (in_table && line.starts_with("| `")) written.push_back(line);
    if (line.starts_with("| method | path | roles |")) in_table = true;
    if (line.empty()) in_table = false;
  }
  BOOST_TEST(written == rows_of(routes()), boost::test_tools::per_element());
}

/// Where If-Match does not hold, the database is left as it was: what else a route had done would stay. Who adds one to
/// this list has looked that there is nothing else.
BOOST_FIXTURE_TEST_CASE(the_routes_that_heed_if_match_are_these, WholeAgent) {
  std::map<std::string, std::set<std::string>> heeding;
  for (const Route& route : routes())
    if (route.heeds_if_match) heeding[route.path].insert(route.method);
  std::vector<std::string> found;
  for (const auto& [path, methods] : heeding) found.push_back(fmt::format("{} {}", path, fmt::join(methods, " ")));
  const std::vector<std::string> wanted = {"/api/dfsps POST",
                                           "/api/dfsps/{dfspId} DELETE PUT",
                                           "/api/dfsps/{dfspId}/ca POST",
                                           "/api/dfsps/{dfspId}/endpoints/egress POST",
                                           "/api/dfsps/{dfspId}/endpoints/egress/ips POST",
                                           "/api/dfsps/{dfspId}/endpoints/egress/ips/{epId} DELETE PUT",
                                           "/api/dfsps/{dfspId}/endpoints/ingress POST",
                                           "/api/dfsps/{dfspId}/endpoints/ingress/ips POST",
                                           "/api/dfsps/{dfspId}/endpoints/ingress/ips/{epId} DELETE PUT",
                                           "/api/dfsps/{dfspId}/endpoints/ingress/urls POST",
                                           "/api/dfsps/{dfspId}/endpoints/ingress/urls/{epId} DELETE PUT",
                                           "/api/dfsps/{dfspId}/endpoints/{epId} DELETE PUT",
                                           "/api/dfsps/{dfspId}/endpoints/{epId}/confirmation POST",
                                           "/api/dfsps/{dfspId}/enrollments/inbound POST",
                                           "/api/dfsps/{dfspId}/enrollments/outbound POST",
                                           "/api/dfsps/{dfspId}/jwscerts DELETE POST PUT",
                                           "/api/dfsps/{dfspId}/servercerts DELETE POST PUT",
                                           "/api/hub/ca DELETE POST PUT",
                                           "/api/hub/endpoints/egress/ips POST",
                                           "/api/hub/endpoints/egress/ips/{epId} DELETE PUT",
                                           "/api/hub/endpoints/ingress/ips POST",
                                           "/api/hub/endpoints/ingress/ips/{epId} DELETE PUT",
                                           "/api/hub/endpoints/ingress/urls POST",
                                           "/api/hub/endpoints/ingress/urls/{epId} DELETE PUT",
                                           "/api/hub/endpoints/{epId} DELETE PUT",
                                           "/api/hub/jwscerts POST"};
  BOOST_TEST(found == wanted, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(every_route_says_who_may_call_it_and_few_are_anybodys, WholeAgent) {
  std::vector<std::string> open;
  for (const Route& route : routes()) {
    BOOST_TEST(!route.roles.empty(), route.method << " " << route.path);
    if (route.roles == std::vector<Role>{Role::anybody}) open.push_back(route.method + " " + route.path);
  }
  const std::vector<std::string> wanted = {"GET /api/auth/login",
                                           "GET /api/auth/callback",
                                           "GET /api/auth/logout",
                                           "GET /health",
                                           "GET /api/health",
                                           "GET /pki/trust-bundle.pem",
                                           "GET /pki/intermediates.pem",
                                           "POST /pki/ocsp",
                                           "GET /pki/ocsp/{request*}",
                                           "GET /pki/{file}",
                                           "GET /config",
                                           "GET /api/config",
                                           "GET /docs",
                                           "GET /docs/page.css",
                                           "GET /docs/page.js",
                                           "GET /api-docs"};
  BOOST_TEST(open == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
