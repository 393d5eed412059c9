#include <functional>

#include <boost/test/unit_test.hpp>

#include "common/x509/der.h"
#include "daemon/ca/build.h"
#include "daemon/ca/lint.h"
#include "tests/support/ca_fixture.h"
#include "tests/support/software_signer.h"

using namespace hubseal;
using namespace hubseal::test;
using x509::Attribute;

namespace {

struct Extension {
  Bytes oid, value;  ///< DER
  bool critical = false;
};

/// The same TBSCertificate (RFC 5280 section 4.1) with its extensions changed.
Bytes with_extensions(ByteView tbs, const std::function<void(std::vector<Extension>&)>& change) {
  static constexpr std::uint8_t kTrue[] = {0x01, 0x01, 0xff};
  ByteView fields = x509::content_of(tbs, 0x30).value();
  Bytes head;
  for (int n = 0; n < 7; ++n) {
    const ByteView field = x509::take_value(fields).value();
    head.insert(head.end(), field.begin(), field.end());
  }
  ByteView list = x509::content_of(x509::content_of(fields, 0xa3).value(), 0x30).value();
  std::vector<Extension> extensions;
  while (!list.empty()) {
    ByteView parts = x509::content_of(x509::take_value(list).value(), 0x30).value();
    const ByteView oid = x509::take_value(parts).value();
    const bool critical = parts[0] == 0x01;
    if (critical) x509::take_value(parts).value();
    extensions.push_back({Bytes(oid.begin(), oid.end()), Bytes(parts.begin(), parts.end()), critical});
  }
  change(extensions);
  Bytes encoded;
  for (const Extension& extension : extensions) {
    const Bytes one =
        x509::der_value(0x30, {extension.oid, ByteView(kTrue, extension.critical ? 3u : 0u), extension.value});
    encoded.insert(encoded.end(), one.begin(), one.end());
  }
  return x509::der_value(0x30, {head, x509::der_value(0xa3, {x509::der_value(0x30, {encoded})})});
}

/// The one with this number, as an object identifier.
Extension& with_nid(std::vector<Extension>& extensions, int nid) {
  for (Extension& extension : extensions) {
    const ByteView oid = x509::content_of(extension.oid, 0x06).value();
    const ASN1_OBJECT* wanted = OBJ_nid2obj(nid);
    if (as_text(oid) == as_text({OBJ_get0_data(wanted), OBJ_length(wanted)})) return extension;
  }
  throw std::runtime_error("no such extension");
}

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
                                  .not_before = not_before.value_or(prepared.not_before),
                                  .not_after = not_after.value_or(prepared.not_after),
                                  .subject = subject.value_or(prepared.subject),
                                  .spki = other_spki.value_or(spki),
                                  .is_ca = is_ca,
                                  .path_len = path_len,
                                  .key_usage = key_usage,
                                  .extended_key_usage = usages,
                                  .names = names.value_or(prepared.names)})
                       .value();
    if (rewrite) prepared.tbs = with_extensions(prepared.tbs, rewrite);
    if (version) prepared.tbs.at(kVersionAt) = *version;
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
  std::optional<TimePoint> not_before, not_after;
  std::optional<x509::DistinguishedName> subject;
  std::optional<x509::SubjectAltNames> names;
  bool is_ca = false;
  std::optional<long> path_len;
  std::uint32_t key_usage = KU_DIGITAL_SIGNATURE;
  std::vector<x509::ExtendedKeyUsage> usages = {x509::ExtendedKeyUsage::client_auth};
  std::function<void(std::vector<Extension>&)> rewrite;
  std::optional<std::uint8_t> version;          ///< as it is encoded: 2 is v3
  static constexpr std::size_t kVersionAt = 8;  ///< behind 30 82 nn nn a0 03 02 01
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

BOOST_AUTO_TEST_CASE(RFC_5280_4_1_2_4_each_field_that_differs_from_profile_or_ca_is_found) {
  finds("serialNumber", [](Spoilt& s) { s.serial = x509::Serial::parse("01").value(); });
  finds("signatureAlgorithm", [](Spoilt& s) { s.algorithm = SignatureAlgorithm::ecdsa_sha512; });
  finds("issuer", [](Spoilt& s) {
    s.issuer = x509::name_der(name({{Attribute::common_name, "Hub"}}).to_openssl()->get());
  });
  finds("notAfter", [](Spoilt& s) { s.not_after = kNow + std::chrono::days(731); });
  finds("subject", [](Spoilt& s) { s.subject = name({{Attribute::common_name, "bank2"}}); });
  // All that profile and register ask for, and another name than was decided upon.
  finds("subject", [](Spoilt& s) {
    s.subject =
        name({{Attribute::common_name, "bank2"}, {Attribute::organization, "Bank One"}, {Attribute::country, "KE"}});
    s.participant.names->push_back({ca::NameKind::cn, "bank2"});
  });
  for (const std::uint8_t version : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{3}})
    finds("version", [version](Spoilt& s) { s.version = version; });
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

BOOST_AUTO_TEST_CASE(a_start_or_an_address_that_nobody_asked_for_is_found) {
  finds("notBefore", [](Spoilt& s) { s.not_before = kNow - std::chrono::hours(24); });
  finds("subjectAltName iPAddress",
        [](Spoilt& s) { s.names = x509::SubjectAltNames::of({"a.example.com"}, {"192.0.2.1"}).value(); });
}

BOOST_AUTO_TEST_CASE(an_address_of_five_bytes_is_found) {
  Spoilt draft;
  draft.rewrite = [](std::vector<Extension>& extensions) {
    with_nid(extensions, NID_subject_alt_name).value =
        x509::der_value(0x04, {x509::der_value(0x30, {x509::der_value(0x87, {Bytes(5, 1)})})});
  };
  BOOST_TEST(!draft.lint().has_value());
}

BOOST_AUTO_TEST_CASE(the_extensions_as_they_are_taken_apart_and_put_together_pass) {
  Spoilt draft;
  std::size_t found = 0;
  draft.rewrite = [&](std::vector<Extension>& extensions) { found = extensions.size(); };
  BOOST_TEST(draft.lint().has_value());
  BOOST_TEST(found == 6U);
}

// RFC 5280 section 4.2: a critical extension that a verifier does not know ends the connection.
BOOST_AUTO_TEST_CASE(RFC_5280_4_2_1_1_the_criticality_of_each_extension_is_looked_at_and_so_is_its_absence) {
  for (const int nid : {NID_basic_constraints, NID_key_usage, NID_ext_key_usage, NID_subject_key_identifier,
                        NID_authority_key_identifier, NID_subject_alt_name})
    BOOST_TEST_CONTEXT(OBJ_nid2sn(nid)) {
      finds("extensions", [nid](Spoilt& s) {
        s.rewrite = [nid](std::vector<Extension>& all) {
          Extension& extension = with_nid(all, nid);
          extension.critical = !extension.critical;
        };
      });
      Spoilt without;
      without.rewrite = [nid](std::vector<Extension>& all) {
        all.erase(all.begin() + (&with_nid(all, nid) - all.data()));
      };
      BOOST_TEST(!without.lint().has_value());
    }
}

BOOST_AUTO_TEST_CASE(RFC_5280_4_2_1_1_an_identifier_of_another_key_is_found) {
  finds("subjectKeyIdentifier", [](Spoilt& s) {
    s.rewrite = [](std::vector<Extension>& all) { with_nid(all, NID_subject_key_identifier).value.back() ^= 1; };
  });
}

BOOST_AUTO_TEST_SUITE_END()
