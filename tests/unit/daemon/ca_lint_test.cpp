#include <boost/test/unit_test.hpp>

#include "daemon/ca/build.h"
#include "daemon/ca/lint.h"
#include "tests/support/ca_fixture.h"
#include "tests/support/software_signer.h"

using namespace hubseal;
using namespace hubseal::test;
using x509::Attribute;

namespace {

/// A builder gone wrong: the fields of a good client certificate, each of which a test may spoil.
struct Spoilt {
  Spoilt() : key(make_key(KeyType::ec_p256)), spki(spki_of(key.get()).value()) {}

  Result<x509::Certificate> lint() {
    const x509::Certificate& root = ca.issuer->certificate();
    ca::Prepared prepared{
        {},
        algorithm,
        ca::new_serial().value(),
        kNow,
        kNow + std::chrono::days(730),
        x509::DistinguishedName::of(
            {{Attribute::common_name, "bank1"}, {Attribute::organization, "Bank One"}, {Attribute::country, "KE"}})
            .value(),
        x509::SubjectAltNames::of({"a.example.com"}, {}).value(),
        {},
        {}};
    const Bytes issuer_name = issuer.value_or(root.subject_der());
    prepared.tbs = ca::build_tbs({.serial = serial.value_or(prepared.serial),
                                  .algorithm = algorithm,
                                  .issuer_name = issuer_name,
                                  .issuer_key_identifier = aki.value_or(root.subject_key_identifier()),
                                  .not_before = prepared.not_before,
                                  .not_after = not_after.value_or(prepared.not_after),
                                  .subject = subject.value_or(prepared.subject),
                                  .spki = other_spki.value_or(spki),
                                  .is_ca = is_ca,
                                  .path_len = path_len,
                                  .key_usage = key_usage,
                                  .extended_key_usage = usages,
                                  .names = names.value_or(prepared.names)})
                       .value();
    return ca::lint(prepared, {profile("dfsp-client"), &*ca.issuer, &participant, "hub-ca", spki, KeyType::ec_p256});
  }

  TestCa ca{KeyType::ec_p256};
  ca::Participant participant{
      .id = "bank1",
      .organization = "Bank One",
      .country = "KE",
      .names = {{{ca::NameKind::cn, "bank1"}, {ca::NameKind::dns, "bank1"}, {ca::NameKind::dns, "a.example.com"}}}};
  PkeyPtr key;
  Bytes spki;
  SignatureAlgorithm algorithm = SignatureAlgorithm::ecdsa_sha256;
  std::optional<x509::Serial> serial;
  std::optional<Bytes> issuer, aki, other_spki;
  std::optional<TimePoint> not_after;
  std::optional<x509::DistinguishedName> subject;
  std::optional<x509::SubjectAltNames> names;
  bool is_ca = false;
  std::optional<long> path_len;
  std::uint32_t key_usage = KU_DIGITAL_SIGNATURE;
  std::vector<x509::ExtendedKeyUsage> usages = {x509::ExtendedKeyUsage::client_auth};
};

template <class Spoil>
void finds(const char* rule, Spoil spoil) {
  Spoilt draft;
  spoil(draft);
  const auto verdict = draft.lint();
  BOOST_REQUIRE_MESSAGE(!verdict.has_value(), rule << " was not found");
  BOOST_TEST((verdict.error().code == Code::internal));
  BOOST_TEST(verdict.error().message.starts_with(std::string("lint: ") + rule), verdict.error().message);
}

x509::DistinguishedName name(std::vector<x509::DistinguishedName::Entry> entries) {
  return x509::DistinguishedName::of(std::move(entries)).value();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ca_lint)

BOOST_AUTO_TEST_CASE(a_good_certificate_passes) {
  const auto verdict = Spoilt().lint();
  BOOST_TEST(verdict.has_value(), (verdict ? "" : verdict.error().message));
}

BOOST_AUTO_TEST_CASE(each_field_that_differs_from_the_profile_is_found) {
  finds("serialNumber", [](Spoilt& s) { s.serial = x509::Serial::parse("01").value(); });
  finds("signatureAlgorithm", [](Spoilt& s) { s.algorithm = SignatureAlgorithm::ecdsa_sha512; });
  finds("issuer", [](Spoilt& s) {
    s.issuer = x509::name_der(name({{Attribute::common_name, "Hub"}}).to_openssl()->get());
  });
  finds("notAfter", [](Spoilt& s) { s.not_after = kNow + std::chrono::days(731); });
  finds("subject", [](Spoilt& s) { s.subject = name({{Attribute::common_name, "bank2"}}); });
  finds("subjectPublicKeyInfo", [](Spoilt& s) { s.other_spki = spki_of(make_key(KeyType::ec_p256).get()).value(); });
  finds("basicConstraints CA", [](Spoilt& s) { s.is_ca = true; });
  finds("basicConstraints pathLen", [](Spoilt& s) { s.path_len = 3; });
  finds("keyUsage", [](Spoilt& s) { s.key_usage |= KU_KEY_CERT_SIGN; });
  finds("keyUsage", [](Spoilt& s) { s.key_usage |= KU_KEY_ENCIPHERMENT; });
  finds("extendedKeyUsage", [](Spoilt& s) { s.usages.push_back(x509::ExtendedKeyUsage::server_auth); });
  finds("extensions", [](Spoilt& s) { s.usages.clear(); });
  finds("subjectAltName dNSName", [](Spoilt& s) { s.names = x509::SubjectAltNames(); });
  finds("extensions", [](Spoilt& s) { s.aki = Bytes(); });
  finds("authorityKeyIdentifier", [](Spoilt& s) { s.aki = Bytes(20, 1); });
  finds("register", [](Spoilt& s) { s.participant.names->pop_back(); });
  finds("register", [](Spoilt& s) { s.participant.organization = "Bank Two"; });
  finds("register", [](Spoilt& s) { s.participant.country = ""; });
  finds("subjectAltName dNSName",
        [](Spoilt& s) { s.names = x509::SubjectAltNames::of({"b.example.com"}, {}).value(); });
}

BOOST_AUTO_TEST_SUITE_END()
