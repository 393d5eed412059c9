#include "daemon/approvals/webauthn.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "common/json.h"
#include "common/key_types.h"
#include "daemon/approvals/approver_key.h"
#include "tests/support/must.h"
#include "tests/support/software_signer.h"

using namespace hubseal;
using namespace hubseal::daemon;

namespace {

constexpr std::uint8_t kUpUv = 0x05;

/// A security key that says whatever a test wants it to say, and signs it.
struct Fixture {
  Bytes authenticator_data(std::uint8_t flags, std::uint32_t counter) const {
    const auto hash = sha256(as_bytes(party.rp_id));
    Bytes data(hash.begin(), hash.end());
    data.push_back(flags);
    for (const unsigned shift : {24U, 16U, 8U, 0U}) data.push_back(static_cast<std::uint8_t>(counter >> shift));
    return data;
  }
  Json client_data() const {
    return {{"type", "webauthn.get"},
            {"challenge", to_base64url(sha256(as_bytes(statement)))},
            {"origin", party.origin},
            {"crossOrigin", false}};
  }
  webauthn::Assertion sign(const Bytes& data, const std::string& client) const {
    webauthn::Assertion assertion{
        .authenticator_data = data, .client_data = Bytes(client.begin(), client.end()), .signature = {}};
    Bytes message = data;
    const auto hash = sha256(assertion.client_data);
    message.insert(message.end(), hash.begin(), hash.end());
    assertion.signature =
        test::must(ecdsa_raw_to_der(test::sign_with(key.get(), SignatureAlgorithm::ecdsa_sha256, message)));
    return assertion;
  }
  Result<std::uint32_t> verify(const webauthn::Assertion& assertion) const {
    return webauthn::verify(assertion, party, key.get(), statement);
  }
  void refused(const webauthn::Assertion& assertion, const std::string& word) const {
    const auto counter = verify(assertion);
    BOOST_REQUIRE(!counter.has_value());
    BOOST_TEST((counter.error().code == Code::bad_request));
    BOOST_TEST(counter.error().message.find(word) != std::string::npos, counter.error().message);
  }
  void refused(const Json& client, const std::string& word) const {
    refused(sign(authenticator_data(kUpUv, 7), dump_json(client)), word);
  }

  const PkeyPtr key = test::make_key(KeyType::ec_p256);
  const webauthn::RelyingParty party{.rp_id = "hub.example.com", .origin = "https://portal.hub.example.com"};
  const std::string statement = "hubseal-approval/v1\ndecision: approve\n";
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(webauthn_assertions, Fixture)

BOOST_AUTO_TEST_CASE(an_assertion_over_the_statement_gives_its_counter) {
  BOOST_TEST(verify(sign(authenticator_data(kUpUv, 0x01020304), dump_json(client_data()))).value() == 0x01020304U);
  BOOST_TEST(verify(sign(authenticator_data(kUpUv | 0x18, 0), dump_json(client_data()))).value() == 0U);  // a passkey
}

BOOST_AUTO_TEST_CASE(members_that_browsers_add_are_let_pass) {
  Json client = client_data();
  client.erase("crossOrigin");
  client["other_keys_can_be_added_here"] = "do not compare clientDataJSON against a template";
  BOOST_TEST(verify(sign(authenticator_data(kUpUv, 1), dump_json(client))).has_value());
}

BOOST_AUTO_TEST_CASE(another_type_challenge_origin_or_frame_is_refused) {
  const std::pair<const char*, Json> wrong[] = {{"type", "webauthn.create"},
                                                {"challenge", to_base64url(sha256(as_bytes("another statement")))},
                                                {"origin", "https://portal.hub.example.com.evil.example"},
                                                {"origin", "https://hub.example.com"},
                                                {"origin", 7},
                                                {"challenge", nullptr}};
  for (const auto& [member, value] : wrong) {
    Json client = client_data();
    client[member] = value;
    refused(client, member);
  }
  for (const char* member : {"type", "challenge", "origin"}) {
    Json client = client_data();
    client.erase(member);
    refused(client, member);
  }
  Json framed = client_data();
  framed["crossOrigin"] = true;
  refused(framed, "frame");
  framed["crossOrigin"] = false;
  framed["topOrigin"] = "https://evil.example";
  refused(framed, "frame");
}

BOOST_AUTO_TEST_CASE(client_data_that_is_not_one_object_is_refused) {
  const std::string good = dump_json(client_data());
  for (const std::string& text :
       {std::string("{}x"), good + good, "[" + good + "]", std::string("\xEF\xBB\xBF") + good,
        good.substr(0, good.size() - 1) + R"(,"type":"webauthn.get"})", std::string(), std::string(5000, ' ') + good})
    BOOST_TEST(!verify(sign(authenticator_data(kUpUv, 1), text)).has_value(), text);
}

BOOST_AUTO_TEST_CASE(nobody_there_nobody_verified_and_flags_that_mean_nothing_are_refused) {
  const auto with = [&](std::uint8_t flags) { return sign(authenticator_data(flags, 7), dump_json(client_data())); };
  refused(with(0x04), "UP");
  refused(with(0x01), "UV");
  refused(with(0x00), "UP");
  for (const std::uint8_t flags : std::initializer_list<std::uint8_t>{0x07, 0x25, 0x45, 0x85, 0x15})
    refused(with(flags), "flags");
}

BOOST_AUTO_TEST_CASE(authenticator_data_has_one_length_and_one_relying_party) {
  Bytes data = authenticator_data(kUpUv, 7);
  for (const std::size_t size : {std::size_t{0}, std::size_t{36}, std::size_t{38}, std::size_t{500}}) {
    data.resize(size);
    refused(sign(data, dump_json(client_data())), "bytes");
  }
  data = authenticator_data(kUpUv, 7);
  data[0] ^= 1;
  refused(sign(data, dump_json(client_data())), "relying party");
}

BOOST_AUTO_TEST_CASE(one_altered_byte_anywhere_is_refused) {
  const webauthn::Assertion good = sign(authenticator_data(kUpUv, 7), dump_json(client_data()));
  BOOST_REQUIRE(verify(good).has_value());
  for (Bytes webauthn::Assertion::*part :
       {&webauthn::Assertion::authenticator_data, &webauthn::Assertion::client_data, &webauthn::Assertion::signature})
    for (std::size_t i = 0; i < (good.*part).size(); ++i) {
      webauthn::Assertion altered = good;
      (altered.*part)[i] ^= 0x01;
      BOOST_TEST(!verify(altered).has_value(), i);
    }
}

BOOST_AUTO_TEST_CASE(another_key_signs_nothing_here) {
  const webauthn::Assertion good = sign(authenticator_data(kUpUv, 7), dump_json(client_data()));
  const PkeyPtr other = test::make_key(KeyType::ec_p256);
  BOOST_TEST(!webauthn::verify(good, party, other.get(), statement).has_value());
}

BOOST_AUTO_TEST_CASE(a_relying_party_is_a_host_and_a_page_on_it) {
  const std::pair<const char*, const char*> good[] = {{"hub.example.com", "https://hub.example.com"},
                                                      {"hub.example.com", "https://portal.hub.example.com:8443"},
                                                      {"localhost", "http://localhost:3001"}};
  for (const auto& [rp_id, origin] : good)
    BOOST_TEST(webauthn::check_relying_party({.rp_id = rp_id, .origin = origin}).has_value(), origin);
  const std::pair<const char*, const char*> bad[] = {{"hub.example.com", "http://hub.example.com"},
                                                     {"hub.example.com", "https://nothub.example.com"},
                                                     {"hub.example.com", "https://example.com"},
                                                     {"hub.example.com", "https://hub.example.com/"},
                                                     {"hub.example.com", "https://hub.example.com:"},
                                                     {"hub.example.com", "https://hub.example.com:80x"},
                                                     {"hub.example.com", "https://HUB.example.com"},
                                                     {"hub.example.com", "https://*.hub.example.com"},
                                                     {"hub.example.com", "https://a@hub.example.com"},
                                                     {"hub.example.com", ""},
                                                     {"Hub.example.com", "https://Hub.example.com"},
                                                     {"*.example.com", "https://hub.example.com"},
                                                     {"192.0.2.1", "https://192.0.2.1"},
                                                     {"localhost", "http://hub.localhost.evil"}};
  for (const auto& [rp_id, origin] : bad)
    BOOST_TEST((webauthn::check_relying_party({.rp_id = rp_id, .origin = origin}).error().code == Code::bad_request),
               rp_id << ' ' << origin);
}

BOOST_AUTO_TEST_SUITE_END()
