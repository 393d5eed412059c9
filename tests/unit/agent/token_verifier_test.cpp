#include "agent/auth/token_verifier.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "tests/unit/agent/agent_support.h"
#include "tests/unit/agent/token_support.h"

using namespace hubseal;
using namespace hubseal::agent::auth;
using namespace hubseal::agent::test;

namespace {

constexpr std::int64_t kNow = 1800000000;

const TokenKey& rsa() {
  static const TokenKey key("rsa");
  return key;
}
const TokenKey& ec() {
  static const TokenKey key("ec", true);
  return key;
}

Json good() {
  return {
      {"iss", "https://issuer"}, {"aud", "api"}, {"sub", "alice"}, {"exp", kNow + 60}, {"groups", {"/PTA", "DFSP:A"}}};
}

Json with(const char* claim, const Json& value) {
  Json claims = good();
  claims[claim] = value;
  return claims;
}

/// A verifier with what it needs.
struct Judge {
  explicit Judge(
      JwksCache::Fetch fetch =
          [] {
            return set_of({&rsa(), &ec()});
          },
      std::vector<std::string> algorithms = {"RS256", "ES256"})
      : keys(std::move(fetch), {}),
        verifier({.issuer = "https://issuer",
                  .audience = "api",
                  .algorithms = std::move(algorithms),
                  .groups = {.pta = "PTA", .mta = "MTA", .dfsp_prefix = "DFSP:"}},
                 keys, clock) {}

  auto verify(const std::string& token) { return verifier.verify(token); }

  FixedClock clock{TimePoint(std::chrono::seconds(kNow))};
  JwksCache keys;
  TokenVerifier verifier;
};

void refused(Judge& judge, const std::string& token, const std::string& why) {
  const auto identity = judge.verify(token);
  BOOST_REQUIRE_MESSAGE(!identity, "accepted: " << token);
  BOOST_TEST(identity.error().why.find(why) != std::string::npos, identity.error().why << "; wanted " << why);
  BOOST_TEST(!identity.error().unavailable);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(token_verifier)

BOOST_AUTO_TEST_CASE(a_good_token_says_who_it_is_and_what_that_opens) {
  Judge judge;
  for (const TokenKey* key : {&rsa(), &ec()}) {
    const auto identity = judge.verify(key->sign(good()));
    BOOST_REQUIRE(identity.has_value());
    BOOST_TEST(identity->subject == "alice");
    BOOST_TEST(identity->is(Role::pta));
    BOOST_TEST(!identity->is(Role::mta));
    BOOST_TEST(identity->belongs_to("DFSP:A"));
  }
}

BOOST_AUTO_TEST_CASE(only_algorithms_of_the_list_are_taken_and_only_with_their_kind_of_key) {
  Judge judge;
  for (const char* name : {"none", "HS256", "RS384", "PS256", "rs256", ""})
    refused(judge, rsa().sign({{"alg", name}, {"kid", "rsa"}}, good()), "algorithm is");
  refused(judge, rsa().sign({{"alg", 1}, {"kid", "rsa"}}, good()), "algorithm is");
  refused(judge, rsa().sign({{"alg", "ES256"}, {"kid", "rsa"}}, good()), "has no key");
  refused(judge, ec().sign({{"alg", "RS256"}, {"kid", "rsa"}}, good()), "signature is not");
  Judge strict([] { return set_of({&rsa(), &ec()}); }, {"ES256"});
  refused(strict, rsa().sign(good()), "wanted one of ES256");
}

BOOST_AUTO_TEST_CASE(a_signature_in_another_encoding_is_refused) {
  Judge judge;
  const std::string token = ec().sign(good());
  refused(judge, token + "A", "signature is not");
  refused(judge, token + "=", "signature is not");
  refused(judge, token.substr(0, token.rfind('.') + 1), "signature is not");
  const Bytes raw = from_base64url(token.substr(token.rfind('.') + 1)).value();
  refused(judge, token.substr(0, token.rfind('.') + 1) + to_base64url(ecdsa_raw_to_der(raw).value()),
          "signature is not");
  refused(judge, token.substr(0, token.rfind('.') + 1) + to_base64url(Bytes(64, 0)), "signature is not");
}

BOOST_AUTO_TEST_CASE(the_limits_of_time_are_exact) {
  Judge judge;
  BOOST_TEST(judge.verify(ec().sign(with("exp", kNow - 59))).has_value());
  refused(judge, ec().sign(with("exp", kNow - 60)), "expired at 2027-01-15T07:59:00Z");
  BOOST_TEST(judge.verify(ec().sign(with("nbf", kNow + 60))).has_value());
  refused(judge, ec().sign(with("nbf", kNow + 61)), "not valid before");
  BOOST_TEST(judge.verify(ec().sign(with("exp", kNow + 0.5))).has_value());
  for (const Json& broken : {Json("x"), Json(nullptr), Json(true), Json(-1), Json(1e18), Json::array()})
    refused(judge, ec().sign(with("exp", broken)), "exp is not a time");
  Json endless = good();
  endless.erase("exp");
  refused(judge, ec().sign(endless), "never expires");
}

BOOST_AUTO_TEST_CASE(without_any_key_the_token_is_not_to_blame) {
  Judge judge([]() -> Result<JwkSet> { return fail(Code::internal, "down"); });
  const auto identity = judge.verify(ec().sign(good()));
  BOOST_REQUIRE(!identity);
  BOOST_TEST(identity.error().unavailable);
}

BOOST_AUTO_TEST_CASE(a_token_that_names_no_key_is_taken_only_where_one_fits) {
  const TokenKey second("ec2", true);
  Judge judge([&] { return set_of({&rsa(), &ec(), &second}); });
  BOOST_TEST(judge.verify(rsa().sign({{"alg", "RS256"}}, good())).has_value());
  refused(judge, ec().sign({{"alg", "ES256"}}, good()), "has no key");
}

BOOST_AUTO_TEST_CASE(roles_are_what_groups_say_and_nothing_else) {
  const GroupNames names;
  Identity identity;
  set_roles(identity, {"/Application/MTA", "Application/DFSP:x", "Application/DFSP:y z", "other"}, names);
  BOOST_TEST((identity.roles == std::set<Role>{Role::mta, Role::dfsp, Role::everyone}));
  BOOST_TEST(identity.belongs_to("Application/DFSP:x"));
  BOOST_TEST(identity.belongs_to("Application/DFSP:y z"));
  for (const char* group : {"", "Application/MTA", "Application/DFSP:", "Application/DFSP:X", "/Application/DFSP:x"})
    BOOST_TEST(!identity.belongs_to(group), group);
  set_roles(identity, {"Application/DFSP:", "//Application/PTA", "Application/PTA/sub", "application/pta"}, names);
  BOOST_TEST((identity.roles == std::set<Role>{Role::everyone}));
}

BOOST_AUTO_TEST_SUITE_END()
