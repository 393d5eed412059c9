#include <atomic>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "agent/auth/jwks_cache.h"
#include "tests/unit/agent/token_support.h"

using namespace hubseal;
using namespace hubseal::agent::auth;
using namespace hubseal::agent::test;
using namespace std::chrono_literals;

namespace {

const JwsAlgorithm& rs256() { return *find_jws_algorithm("RS256"); }
const JwsAlgorithm& es256() { return *find_jws_algorithm("ES256"); }

Result<JwkSet> parse(const Json& key) { return JwkSet::parse(dump_json({{"keys", Json::array({key})}})); }

Json changed(const char* member, const Json& value) {
  static const TokenKey key("k");
  Json jwk = key.jwk();
  jwk[member] = value;
  return jwk;
}

bool always(const JwkSet&) { return true; }
bool never(const JwkSet&) { return false; }

}  // namespace

BOOST_AUTO_TEST_SUITE(jwks)

BOOST_AUTO_TEST_CASE(a_key_is_found_by_its_name_for_what_it_is_for) {
  const TokenKey rsa("one");
  const TokenKey ec("one", true);
  const JwkSet set = set_of({&rsa, &ec}).value();
  BOOST_TEST(set.find("one", rs256()) != nullptr);
  BOOST_TEST(EVP_PKEY_eq(set.find("one", rs256()), rsa.key.get()) == 1);
  BOOST_TEST(EVP_PKEY_eq(set.find("one", es256()), ec.key.get()) == 1);
  BOOST_TEST(set.find("two", rs256()) == nullptr);
  BOOST_TEST(set.find("one", *find_jws_algorithm("ES384")) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_key_that_says_its_algorithm_is_for_no_other) {
  const JwkSet set = parse(changed("alg", "PS256")).value();
  BOOST_TEST(set.find("k", rs256()) == nullptr);
  BOOST_TEST(set.find("k", *find_jws_algorithm("PS256")) != nullptr);
}

BOOST_AUTO_TEST_CASE(keys_that_sign_no_tokens_are_left_out) {
  const TokenKey ec("e", true);
  Json off_the_curve = ec.jwk();
  off_the_curve["y"] = off_the_curve["x"];
  for (const Json& key :
       {changed("use", "enc"), changed("kty", "oct"), changed("d", "AAAA"), changed("e", "AQ"), changed("e", "Ag"),
        changed("n", "AQAB"), changed("n", "!"), changed("kid", 1), off_the_curve, Json("text"), Json(nullptr)})
    BOOST_TEST(!parse(key).has_value(), key.dump());
  for (const char* text : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[]})", "null"})
    BOOST_TEST(!JwkSet::parse(text).has_value(), text);
  BOOST_TEST(!JwkSet::parse(std::string(kMaxJwkSetBytes + 1, ' ')).has_value());
}

BOOST_AUTO_TEST_CASE(hmac_and_none_do_not_exist) {
  for (const char* name : {"none", "HS256", "HS384", "HS512", "", "RS1"}) BOOST_TEST(!find_jws_algorithm(name), name);
}

BOOST_AUTO_TEST_CASE(a_missing_key_is_asked_for_once_in_a_pause) {
  const TokenKey key("k", true);
  std::atomic<int> fetches = 0;
  JwksCache cache(
      [&] {
        ++fetches;
        return set_of({&key});
      },
      {.pause = 200ms});
  BOOST_TEST(cache.get(always) != nullptr);
  for (int i = 0; i < 20; ++i) BOOST_TEST(cache.get(never) != nullptr);
  BOOST_TEST(fetches == 1);
  std::this_thread::sleep_for(250ms);
  cache.get(never);
  BOOST_TEST(fetches == 2);
}

BOOST_AUTO_TEST_CASE(keys_are_used_while_the_provider_is_down_until_they_are_too_old) {
  const TokenKey key("k", true);
  std::atomic<int> fetches = 0;
  JwksCache cache(
      [&]() -> Result<JwkSet> {
        if (++fetches > 1) return fail(Code::internal, "down");
        return set_of({&key});
      },
      {.refresh = 20ms, .max_age = 400ms, .pause = 10ms, .patience = 50ms});
  BOOST_TEST(cache.get(always) != nullptr);
  std::this_thread::sleep_for(150ms);
  BOOST_TEST(fetches > 1);
  BOOST_TEST(cache.get(always) != nullptr);
  std::this_thread::sleep_for(400ms);
  BOOST_TEST(cache.get(always) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_provider_that_hangs_holds_nobody_longer_than_their_patience) {
  const TokenKey key("k", true);
  std::atomic<bool> hang = false;
  JwksCache cache(
      [&] {
        while (hang) std::this_thread::sleep_for(5ms);
        return set_of({&key});
      },
      {.pause = 1ms, .patience = 50ms});
  BOOST_TEST(cache.get(always) != nullptr);
  std::this_thread::sleep_for(5ms);
  hang = true;
  const auto begin = std::chrono::steady_clock::now();
  BOOST_TEST(cache.get(never) != nullptr);
  const auto took = std::chrono::steady_clock::now() - begin;
  BOOST_TEST((took >= 50ms));
  BOOST_TEST((took < 5s));
  BOOST_TEST(cache.get(always) != nullptr);
  hang = false;
}

BOOST_AUTO_TEST_SUITE_END()
