#include <boost/test/unit_test.hpp>

#include "agent/auth/browser_login.h"
#include "agent/http/cookies.h"
#include "agent/service/browser_sessions.h"
#include "agent/store/browser_session_table.h"
#include "agent/store/database.h"
#include "common/random.h"
#include "tests/unit/agent/agent_support.h"
#include "tests/unit/agent/token_support.h"

using namespace hubseal;
using namespace hubseal::agent;
using namespace hubseal::agent::http;
using namespace hubseal::agent::test;

namespace {

TimePoint at(int seconds) { return TimePoint(std::chrono::seconds(seconds)); }

const auth::Identity kAlice{.subject = "alice",
                            .name = "Alice",
                            .email = "a@b",
                            .roles = {auth::Role::dfsp, auth::Role::everyone},
                            .dfsp_groups = {"Application/DFSP:x"}};

}  // namespace

BOOST_AUTO_TEST_SUITE(browser_auth)

BOOST_AUTO_TEST_CASE(a_cookie_is_found_by_its_whole_name_and_only_once) {
  BOOST_TEST(find_cookie("a=1; __Host-hubseal=x; b=2", kSessionCookie).value() == "x");
  BOOST_TEST(find_cookie("__Host-hubseal=x=y", kSessionCookie).value() == "x=y");
  for (const char* header : {"", ";", "__Host-hubseal", "x__Host-hubseal=1", "__Host-hubseal-login=1",
                             "__host-hubseal=1", "a=__Host-hubseal=1", "__Host-hubseal=1; __Host-hubseal=1"})
    BOOST_TEST(!find_cookie(header, kSessionCookie).has_value(), header);
}

BOOST_AUTO_TEST_CASE(a_session_is_known_by_its_id_until_its_end) {
  const TempFolder folder;
  const auto database = store::Database::open(folder / "agent.db").value();
  store::BrowserSessionTable table(*database);
  const FixedClock noon(at(1000));
  BrowserSessions sessions(table, noon, std::chrono::seconds(60));
  const std::string id = sessions.begin(kAlice).value();
  const auto found = sessions.find(id).value();
  BOOST_REQUIRE(found.has_value());
  BOOST_TEST(found->subject == "alice");
  BOOST_TEST(found->email == "a@b");
  BOOST_TEST((found->roles == kAlice.roles));
  BOOST_TEST(found->belongs_to("Application/DFSP:x"));
  for (const std::string& other : {std::string(), std::string("x"), id + "x", std::string(1000, 'x')})
    BOOST_TEST(!sessions.find(other).value().has_value());
  const FixedClock last_second(at(1059));
  const FixedClock over(at(1060));
  BOOST_TEST(BrowserSessions(table, last_second, {}).find(id).value().has_value());
  BOOST_TEST(!BrowserSessions(table, over, {}).find(id).value().has_value());
  BOOST_REQUIRE(sessions.end(id).has_value());
  BOOST_TEST(!sessions.find(id).value().has_value());
}

BOOST_AUTO_TEST_CASE(the_oldest_session_of_one_person_ends_for_the_eleventh) {
  const TempFolder folder;
  const auto database = store::Database::open(folder / "agent.db").value();
  store::BrowserSessionTable table(*database);
  std::vector<std::string> ids;
  for (int i = 0; i <= store::kMaxSessionsOfOne; ++i) {
    const FixedClock clock(at(1000 + i));
    ids.push_back(BrowserSessions(table, clock, std::chrono::seconds(600)).begin(kAlice).value());
  }
  const FixedClock now(at(1100));
  BrowserSessions sessions(table, now, std::chrono::seconds(600));
  BOOST_TEST(!sessions.find(ids[0]).value().has_value());
  for (std::size_t i = 1; i < ids.size(); ++i) BOOST_TEST(sessions.find(ids[i]).value().has_value());
}

BOOST_AUTO_TEST_CASE(a_login_leads_to_paths_of_this_server_only) {
  auth::JwksCache keys([]() -> Result<auth::JwkSet> { return fail(Code::internal, "none"); }, {});
  const FixedClock clock(at(1));
  const auto provider = auth::Provider::make({.issuer = "https://login.example"}).value();
  const auth::BrowserLogin login({.client_id = "c", .callback_url = "https://mcm.example:8443/api/auth/callback"}, {},
                                 provider, {}, keys, clock);
  for (const auto& [given, wanted] : {std::pair("/", "/"),
                                      {"/a?b=c#d", "/a?b=c#d"},
                                      {"https://mcm.example:8443", "/"},
                                      {"https://mcm.example:8443/x", "/x"}})
    BOOST_TEST(login.own_path(given).value() == wanted);
  for (const char* given :
       {"", "a", "//evil", "/\\evil", "/a\\b", "/a b", "/a\nb", "/\x7f", "/\xc3\xa9", "https://evil/",
        "https://mcm.example:8443.evil/", "https://mcm.example:8443@evil/", "https://mcm.example/",
        "https://mcm.example:8443//evil", "http://mcm.example:8443/", "javascript:alert(1)"})
    BOOST_TEST(!login.own_path(given).has_value(), given);
  BOOST_TEST(!login.location("secret").has_value());  // the provider was never reached
}

BOOST_AUTO_TEST_CASE(secrets_are_43_characters_and_differ) {
  const std::string secret = random_secret().value();
  BOOST_TEST(secret.size() == 43u);
  BOOST_TEST(secret != random_secret().value());
}

BOOST_AUTO_TEST_SUITE_END()
