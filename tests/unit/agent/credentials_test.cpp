#include "agent/service/credentials.h"

#include <boost/test/unit_test.hpp>

#include "agent/auth/keycloak_answers.h"
#include "agent/service/dfsps.h"
#include "agent/store/database.h"
#include "tests/unit/agent/agent_support.h"

using namespace hubseal;
using namespace hubseal::agent;
using namespace hubseal::agent::test;
using auth::keycloak::Answer;

namespace {

/// Remembers what it was asked for.
class Keeper final : public auth::CredentialKeeper {
 public:
  Result<std::optional<auth::Credential>> find(const std::string& dfsp_id) override { return give("find", dfsp_id); }
  Result<std::optional<auth::Credential>> renew(const std::string& dfsp_id) override { return give("renew", dfsp_id); }
  Result<> provide(const auth::Account& account) override {
    asked.push_back("provide " + account.dfsp_id + " " + account.group);
    return fail(Code::internal, "down");
  }
  void stop() override {}

  bool empty = false;
  std::vector<std::string> asked;

 private:
  Result<std::optional<auth::Credential>> give(const std::string& what, const std::string& dfsp_id) {
    asked.push_back(what + " " + dfsp_id);
    if (empty) return std::nullopt;
    return auth::Credential{dfsp_id, SecretBytes::copy_of("s"), std::nullopt};
  }
};

struct Desk {
  Desk() {
    BOOST_REQUIRE(dfsps.add({"c"}, {.id = "bank", .name = "Bank"}).has_value());
    BOOST_REQUIRE(
        dfsps.add({"c"}, {.id = "guest", .name = "Guest", .security_group = "Application/DFSP:bank"}).has_value());
  }

  TempFolder folder;
  std::unique_ptr<store::Database> database = store::Database::open({.file = folder / "agent.db"}).value();
  store::DfspTable table{*database};
  FixedClock clock{TimePoint(std::chrono::seconds(1900000000))};
  Dfsps dfsps{table, clock};
  Keeper keeper;
  Credentials credentials{keeper, dfsps, clock};
};

Code code_of(const auto& result) { return result.error().code; }

std::optional<auth::keycloak::ClientFound> client_in(const std::string& text) {
  return Answer("q", 200, text).client("bank").value_or(std::nullopt);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(credentials, Desk)

BOOST_AUTO_TEST_CASE(only_dfsps_in_the_database_are_asked_for) {
  for (const char* name : {"nobody", "BANK", "bank ", "", "../bank", "bank&clientId=x"}) {
    BOOST_TEST((code_of(credentials.get({"c"}, name)) == Code::not_found), name);
    BOOST_TEST((code_of(credentials.renew({"c"}, name)) == Code::not_found), name);
    credentials.provide({"c"}, name);
  }
  BOOST_TEST(keeper.asked.empty());
  BOOST_TEST(credentials.get({"c"}, "bank")->client_id == "bank");
}

BOOST_AUTO_TEST_CASE(a_renewed_secret_is_of_now) {
  BOOST_TEST((credentials.renew({"c"}, "bank")->created_at == clock.now()));
  BOOST_TEST(!credentials.get({"c"}, "bank")->created_at.has_value());
}

BOOST_AUTO_TEST_CASE(no_client_is_not_found) {
  keeper.empty = true;
  BOOST_TEST((code_of(credentials.get({"c"}, "bank")) == Code::not_found));
  BOOST_TEST((code_of(credentials.renew({"c"}, "bank")) == Code::not_found));
}

BOOST_AUTO_TEST_CASE(a_login_is_made_only_where_the_group_is_the_dfsps_own) {
  credentials.provide({"c"}, "bank");
  credentials.provide({"c"}, "guest");
  BOOST_TEST(keeper.asked == std::vector<std::string>{"provide bank Application/DFSP:bank"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_client_is_taken_as_far_as_it_is_the_one) {
  const auto found = client_in(R"([{"id":"a-1","clientId":"bank","secret":"x","attributes":{"dfsp.id":"bank",
      "client.secret.creation.time":"1764000000"}}])");
  BOOST_REQUIRE(found.has_value());
  BOOST_TEST(found->id == "a-1");
  BOOST_TEST(found->dfsp_id == "bank");
  BOOST_TEST((found->secret_since == TimePoint(std::chrono::seconds(1764000000))));
  BOOST_TEST(!Answer("q", 200, "[]").client("bank").value().has_value());
  for (const char* time : {"", "x", "-1", "1e3", "17640000000000000", "1764000000 ", "99999999999999999999"})
    BOOST_TEST(!client_in(R"([{"id":"a","clientId":"bank","attributes":{"client.secret.creation.time":")" +
                          std::string(time) + "\"}}]")
                    ->secret_since.has_value(),
               time);
  BOOST_TEST(client_in(R"([{"id":"a","clientId":"bank","attributes":[]}])")->dfsp_id.empty());
}

BOOST_AUTO_TEST_CASE(what_was_answered_stands_in_no_error_unless_it_is_a_refusal) {
  const auto secret = Answer("q", 200, R"({"value":"tell\nno one"})").secret();
  BOOST_TEST(secret.error().message.find("tell") == std::string::npos);
  const auto broken = Answer("q", 200, R"({"value":"tell")").secret();
  BOOST_TEST(broken.error().message.find("tell") == std::string::npos);
  const auto refused = Answer("q", 403, R"({"error":"told"})").secret();
  BOOST_TEST(refused.error().message.find("told") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
