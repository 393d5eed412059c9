#include <fstream>
#include <set>

#include <openssl/rsa.h>
#include <boost/test/unit_test.hpp>

#include "daemon/ca/assemble.h"
#include "tests/support/ca_fixture.h"
#include "tests/support/run_command.h"
#include "tests/support/software_signer.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;
using namespace hubseal::test;
using std::chrono::days;
using std::chrono::minutes;
using x509::Attribute;

namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// A file for another program to read, gone at the end.
struct TemporaryFile {
  explicit TemporaryFile(const std::string& content) { std::ofstream(path()) << content; }
  std::string path() const { return folder / "file.pem"; }
  TempDir folder;
};

/// What openssl(1) reads in a certificate.
std::string openssl_text(const x509::Certificate& certificate) {
  const TemporaryFile file(certificate.to_pem());
  return run_command({"openssl", "x509", "-in", file.path(), "-noout", "-text", "-nameopt", "RFC2253,utf8,-esc_msb"})
      .output;
}

CommandResult openssl_verify(const x509::Certificate& root, const x509::Certificate& leaf, const std::string& purpose) {
  const TemporaryFile root_file(root.to_pem()), leaf_file(leaf.to_pem());
  return run_command({"openssl", "verify", "-x509_strict", "-purpose", purpose, "-attime",
                      std::to_string(kNow.time_since_epoch().count() + 1), "-CAfile", root_file.path(),
                      leaf_file.path()});
}

x509::Csr csr_of(KeyType type, const CsrContent& content = {}) {
  return x509::Csr::parse(make_csr(make_key(type).get(), content)).value();
}

ca::Prepared prepared_for(const TestCa& ca, const std::string& profile_name, TimePoint now = kNow) {
  const x509::Csr csr = csr_of(KeyType::ec_p256);
  return ca::prepare_certificate(*ca.issuer,
                                 {profile(profile_name), csr, anyone(), "hub-ca", ca::new_serial().value(), now})
      .value();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ca_issue)

BOOST_AUTO_TEST_CASE(PKI_1_the_hub_root_is_rsa_4096_with_sha512_self_signed_for_ten_years) {
  const TestCa ca(KeyType::rsa_4096, "hub-root");
  const x509::Certificate& root = ca.issuer->certificate();
  const std::string text = openssl_text(root);
  for (const char* wanted :
       {"Version: 3 (0x2)", "Signature Algorithm: sha512WithRSAEncryption", "Public-Key: (4096 bit)",
        "X509v3 Basic Constraints: critical\n                CA:TRUE, pathlen:0",
        "X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign",
        "Issuer: CN=Example Hub Root CA,O=Example Hub,C=ZZ", "Subject: CN=Example Hub Root CA,O=Example Hub,C=ZZ",
        "Not Before: Nov 24 08:55:00 2026 GMT", "Not After : Nov 24 09:00:00 2036 GMT"})
    BOOST_TEST(contains(text, wanted), wanted << " is not in\n" << text);
  BOOST_TEST(openssl_verify(root, root, "any").exit_code == 0);
}

BOOST_AUTO_TEST_CASE(PKI_1_the_hub_root_takes_no_smaller_key) {
  for (const KeyType type : {KeyType::rsa_2048, KeyType::rsa_3072, KeyType::ec_p384}) {
    const Bytes spki = spki_of(make_key(type).get()).value();
    const auto subject = x509::DistinguishedName::of({{Attribute::common_name, "x"}}).value();
    const auto root = ca::prepare_root({profile("hub-root"), subject, spki, ca::new_serial().value(), kNow});
    BOOST_REQUIRE(!root.has_value());
    BOOST_TEST(contains(root.error().message, "wanted rsa_4096"), root.error().message);
  }
}

BOOST_AUTO_TEST_CASE(PKI_3_PKI_4_PKI_5_a_client_certificate_is_what_openssl_accepts_for_tls_clients) {
  const TestCa ca(KeyType::rsa_2048);
  const auto certificate = ca.issue(make_csr(make_key(KeyType::rsa_2048).get()), profile("dfsp-client")).value();
  const std::string text = openssl_text(certificate);
  for (const char* wanted : {"Version: 3 (0x2)", "Signature Algorithm: sha256WithRSAEncryption",
                             "X509v3 Basic Constraints: critical\n                CA:FALSE",
                             "X509v3 Key Usage: critical\n                Digital Signature, Key Encipherment",
                             "X509v3 Extended Key Usage: \n                TLS Web Client Authentication\n",
                             "X509v3 Authority Key Identifier", "X509v3 Subject Key Identifier",
                             "Subject: CN=bank1,O=bank1,C=ZZ", "Not After : Nov 23 09:00:00 2028 GMT"})
    BOOST_TEST(contains(text, wanted), wanted << " is not in\n" << text);
  BOOST_TEST(!contains(text, "Subject Alternative Name"));
  const CommandResult client = openssl_verify(ca.issuer->certificate(), certificate, "sslclient");
  BOOST_TEST(client.exit_code == 0, client.output);
  BOOST_TEST(openssl_verify(ca.issuer->certificate(), certificate, "sslserver").exit_code != 0);
}

BOOST_AUTO_TEST_CASE(PKI_3_RFC_8813_section_3_key_encipherment_is_left_out_for_ec_keys) {
  const TestCa ca(KeyType::rsa_2048);
  const auto certificate = ca.issue(make_csr(make_key(KeyType::ec_p256).get()), profile("dfsp-client")).value();
  BOOST_TEST(certificate.key_usage() == unsigned{KU_DIGITAL_SIGNATURE});
}

BOOST_AUTO_TEST_CASE(PKI_3_a_jws_certificate_says_digital_signature_and_nothing_of_tls) {
  const TestCa ca(KeyType::ec_p256);
  const auto certificate = ca.issue(make_csr(make_key(KeyType::rsa_2048).get()), profile("jws")).value();
  BOOST_TEST(certificate.key_usage() == unsigned{KU_DIGITAL_SIGNATURE});
  BOOST_TEST(certificate.extended_key_usage().empty());
}

BOOST_AUTO_TEST_CASE(PKI_3_a_jwe_certificate_says_key_encipherment_for_rsa_keys_and_nothing_else) {
  const TestCa ca(KeyType::rsa_2048);
  const auto certificate = ca.issue(make_csr(make_key(KeyType::rsa_2048).get()), profile("jwe")).value();
  BOOST_TEST(certificate.key_usage() == unsigned{KU_KEY_ENCIPHERMENT});
  BOOST_TEST(certificate.extended_key_usage().empty());
  BOOST_TEST(
      (ca.issue(make_csr(make_key(KeyType::ec_p256).get()), profile("jwe")).error().code == Code::policy_denied));
}

BOOST_AUTO_TEST_CASE(RFC_5280_4_1_2_4_every_kind_of_ca_issues_what_openssl_verifies) {
  for (const auto& [word, type] : kKeyTypes) {
    const TestCa ca(type);
    const CsrContent content{{{Attribute::common_name, "bank1.example.com"}}, {"bank1.example.com"}, {"2001:db8::1"}};
    const auto certificate = ca.issue(make_csr(make_key(KeyType::ec_p384).get(), content), profile("dfsp-server"));
    BOOST_REQUIRE_MESSAGE(certificate.has_value(), word);
    const CommandResult verdict = openssl_verify(ca.issuer->certificate(), *certificate, "sslserver");
    BOOST_TEST(verdict.exit_code == 0, word << ": " << verdict.output);
    BOOST_TEST(contains(openssl_text(*certificate), "DNS:bank1.example.com, IP Address:2001:DB8:0:0:0:0:0:1"));
  }
}

BOOST_AUTO_TEST_CASE(RFC_5280_4_1_2_5_validity_never_leaves_that_of_the_ca) {
  // MCM_API 13.43
  const TestCa ca(KeyType::ec_p256);
  const x509::Certificate& root = ca.issuer->certificate();
  BOOST_TEST(format_utc(prepared_for(ca, "dfsp-client").not_before) == "2026-11-24T08:55:00Z");
  // Just after the root: the start is not moved back before it.
  BOOST_TEST((prepared_for(ca, "dfsp-client", root.not_before() + minutes(1)).not_before == root.not_before()));
  BOOST_TEST((prepared_for(ca, "dfsp-client", root.not_after() - days(730)).not_after == root.not_after()));
  const std::string csr = make_csr(make_key(KeyType::ec_p256).get());
  const auto late = ca.issue(csr, profile("dfsp-client"), anyone(), root.not_after() - days(729));
  BOOST_REQUIRE(!late.has_value());
  BOOST_TEST((late.error().code == Code::policy_denied));
  BOOST_TEST(contains(late.error().message, "until 2036-11-25T09:00:00Z, but the CA's ends at 2036-11-24T09:00:00Z"),
             late.error().message);
  // A clock that jumped back.
  const auto early = ca.issue(csr, profile("dfsp-client"), anyone(), root.not_before() - minutes(1));
  BOOST_REQUIRE(!early.has_value());
  BOOST_TEST((early.error().code == Code::policy_denied));
}

BOOST_AUTO_TEST_CASE(dates_from_2050_on_are_generalized_times) {
  const TestCa ca(KeyType::ec_p256);
  const auto subject = x509::DistinguishedName::of(
                           {{Attribute::common_name, "x"}, {Attribute::organization, "x"}, {Attribute::country, "ZZ"}})
                           .value();
  const Bytes spki = spki_of(ca.key.get()).value();
  const auto root =
      ca.finish(ca::prepare_root({profile("test-root"), subject, spki, ca::new_serial().value(), kNow + days(20 * 365)})
                    .value())
          .value();
  BOOST_TEST(contains(openssl_text(root), "Not After : Nov 19 09:00:00 2056 GMT"), openssl_text(root));
}

BOOST_AUTO_TEST_CASE(RFC_5280_4_1_2_2_serials_are_positive_different_and_of_128_bits) {
  std::set<std::string> seen;
  std::size_t longest = 0;
  for (int i = 0; i < 1000; ++i) {
    const x509::Serial serial = ca::new_serial().value();
    BOOST_TEST(seen.insert(serial.hex()).second);
    longest = std::max(longest, serial.magnitude().size());
  }
  BOOST_TEST(longest == 16u);
}

BOOST_AUTO_TEST_CASE(serial_numbers_are_read_as_the_wire_writes_them) {
  BOOST_TEST(x509::Serial::parse("4F1c0a").value().hex() == "4f1c0a");
  BOOST_TEST(x509::Serial::parse("0001").value().hex() == "01");
  // 20 octets in DER: with the first bit set there is room for 19.
  BOOST_TEST(x509::Serial::parse(std::string(40, '7')).has_value());
  for (const std::string& bad :
       {std::string(), std::string("00"), std::string("0x1"), std::string(40, 'f'), std::string(42, '1')})
    BOOST_TEST(!x509::Serial::parse(bad).has_value(), bad);
}

BOOST_AUTO_TEST_CASE(PKI_5_claims_name_cn_and_alternative_names_for_comparison) {
  const TestCa ca(KeyType::ec_p256);
  const x509::Csr csr =
      csr_of(KeyType::ec_p256, {{{Attribute::common_name, "Bank1.Example.COM"}}, {"api.example.com"}, {"192.0.2.1"}});
  const auto prepared = ca::prepare_certificate(*ca.issuer, {profile("dfsp-client"), csr, anyone(), "hub-ca",
                                                             ca::new_serial().value(), kNow})
                            .value();
  const std::vector<ca::ClaimedName> wanted = {{ca::NameKind::cn, "bank1.example.com"},
                                               {ca::NameKind::dns, "bank1.example.com"},
                                               {ca::NameKind::dns, "api.example.com"},
                                               {ca::NameKind::ip, "192.0.2.1"}};
  BOOST_TEST((prepared.claims == wanted));
  BOOST_TEST((prepared.subject_key == csr.key_id()));
}

// OpenSSL falls back to the CN where subjectAltName holds no DNS name, and takes its wildcards for
// wildcards: a certificate for somebody else's hosts that no claimed name collides with.
BOOST_AUTO_TEST_CASE(PKI_5_a_cn_keeps_the_rules_for_dns_names) {
  const TestCa ca(KeyType::ec_p256);
  ca::Profile server = profile("dfsp-server");
  const auto refusal = [&](const std::string& common_name) {
    const CsrContent content{{{Attribute::common_name, common_name}}, {}, {"192.0.2.66"}};
    const auto certificate = ca.issue(make_csr(make_key(KeyType::ec_p256).get(), content), server, anyone("evil"));
    return certificate ? "issued" : certificate.error().message;
  };
  for (const char* name :
       {"*.bank1.example.com", "a*.bank1.example.com", "*a.bank1.example.com", "*.bank1.example.com."})
    BOOST_TEST(contains(refusal(name), "wildcard"), name << ": " << refusal(name));
  server.names.dns_suffixes = {"bank1.example.com"};
  BOOST_TEST(refusal("api.bank1.example.com") == "issued");
  BOOST_TEST(refusal("evil") == "issued");
  for (const char* name : {"bank2.example.com", "bank2.example.com."})
    BOOST_TEST(contains(refusal(name), "dns_suffixes"), name << ": " << refusal(name));
  BOOST_TEST(contains(refusal("www_1.bank2.example.com"), "no DNS name"));
  BOOST_TEST(refusal("Bank One Ltd.") == "issued");
  server.names.wildcard = true;
  BOOST_TEST(refusal("*.bank1.example.com") == "issued");
  BOOST_TEST(contains(refusal("a*.bank1.example.com"), "wildcard"));
}

BOOST_AUTO_TEST_CASE(PKI_5_a_cn_keeps_the_rules_for_addresses) {
  const TestCa ca(KeyType::ec_p256);
  const auto refusal = [&](const std::string& common_name, const char* profile_name) {
    const CsrContent content{{{Attribute::common_name, common_name}}, {}, {}};
    const auto certificate = ca.issue(make_csr(make_key(KeyType::ec_p256).get(), content), profile(profile_name));
    return certificate ? "issued" : certificate.error().message;
  };
  BOOST_TEST(refusal("192.0.2.77", "dfsp-client") == "issued");
  BOOST_TEST(contains(refusal("192.0.2.77", "jws"), "CN 192.0.2.77 is an IP address"));
  BOOST_TEST(contains(refusal("2001:db8::1", "jws"), "is an IP address"));
  BOOST_TEST(contains(refusal("::ffff:192.0.2.77", "dfsp-client"), "wanted the IPv4 address itself"));
}

BOOST_AUTO_TEST_CASE(PKI_5_a_cn_with_the_dot_of_the_root_claims_its_host) {
  const TestCa ca(KeyType::ec_p256);
  const x509::Csr csr = csr_of(KeyType::ec_p256, {{{Attribute::common_name, "bank1.example.com."}}, {}, {}});
  const auto prepared = ca::prepare_certificate(*ca.issuer, {profile("dfsp-client"), csr, anyone(), "hub-ca",
                                                             ca::new_serial().value(), kNow})
                            .value();
  const ca::ClaimedName host{ca::NameKind::dns, "bank1.example.com"};
  BOOST_TEST((std::find(prepared.claims.begin(), prepared.claims.end(), host) != prepared.claims.end()));
}

BOOST_AUTO_TEST_CASE(PKI_5_nobody_is_certified_under_the_cas_own_name) {
  const TestCa ca(KeyType::ec_p256);
  for (const char* name : {"Example Hub Root CA", "example  hub ROOT ca"}) {
    const CsrContent content{{{Attribute::common_name, name}, {Attribute::organization, "Example Hub"}}, {}, {}};
    const auto certificate = ca.issue(make_csr(make_key(KeyType::ec_p256).get(), content), profile("dfsp-client"));
    BOOST_REQUIRE_MESSAGE(!certificate.has_value(), name);
    BOOST_TEST((certificate.error().code == Code::policy_denied));
    BOOST_TEST(contains(certificate.error().message, "the CA's own"), certificate.error().message);
  }
}

BOOST_AUTO_TEST_CASE(a_csr_for_the_cas_own_key_is_refused) {
  const TestCa ca(KeyType::ec_p256);
  const auto certificate = ca.issue(make_csr(ca.key.get()), profile("dfsp-client"));
  BOOST_REQUIRE(!certificate.has_value());
  BOOST_TEST(contains(certificate.error().message, "the CA's own key"));
}

BOOST_AUTO_TEST_CASE(only_a_ca_certificate_may_become_an_issuer) {
  const TestCa ca(KeyType::ec_p256);
  const auto leaf = ca.issue(make_csr(make_key(KeyType::ec_p256).get()), profile("dfsp-client")).value();
  const auto issuer = ca::Issuer::of(leaf);
  BOOST_REQUIRE(!issuer.has_value());
  BOOST_TEST(contains(issuer.error().message, "not a CA's"));
}

BOOST_AUTO_TEST_CASE(nothing_is_released_whose_signature_is_not_the_issuers) {
  const TestCa ca(KeyType::rsa_2048), other(KeyType::rsa_2048);
  const ca::Prepared prepared = prepared_for(ca, "dfsp-client");
  Bytes signature = sign_with(other.key.get(), prepared.algorithm, prepared.tbs);
  auto wrong = ca::assemble_certificate(prepared.tbs, prepared.algorithm, signature, ca.key.get());
  BOOST_REQUIRE(!wrong.has_value());
  BOOST_TEST((wrong.error().code == Code::internal));

  signature = sign_with(ca.key.get(), prepared.algorithm, prepared.tbs);
  BOOST_TEST(ca::assemble_certificate(prepared.tbs, prepared.algorithm, signature, ca.key.get()).has_value());
  signature.back() ^= 1;
  BOOST_TEST(!ca::assemble_certificate(prepared.tbs, prepared.algorithm, signature, ca.key.get()).has_value());

  // A signature that is good, but not of the kind that the certificate says.
  signature = sign_with(ca.key.get(), SignatureAlgorithm::rsa_pkcs1_sha512, prepared.tbs);
  wrong = ca::assemble_certificate(prepared.tbs, SignatureAlgorithm::rsa_pkcs1_sha512, signature, ca.key.get());
  BOOST_REQUIRE(!wrong.has_value());
  BOOST_TEST(contains(wrong.error().message, "signed with rsa_pkcs1_sha512, but it says rsa_pkcs1_sha256"));
}

BOOST_AUTO_TEST_CASE(the_recorded_bytes_alone_are_enough_to_finish_after_a_crash) {
  const TestCa ca(KeyType::ec_p384);
  const Bytes recorded = prepared_for(ca, "dfsp-client").tbs;
  const SignatureAlgorithm algorithm = ca::algorithm_of_tbs(recorded).value();
  BOOST_TEST((algorithm == SignatureAlgorithm::ecdsa_sha384));
  const Bytes signature = sign_with(ca.key.get(), algorithm, recorded);
  const auto certificate = ca::assemble_certificate(recorded, algorithm, signature, ca.issuer->public_key()).value();
  BOOST_TEST((Bytes(certificate.tbs().begin(), certificate.tbs().end()) == recorded));
}

BOOST_AUTO_TEST_CASE(a_ca_csr_asks_an_outside_root_for_ca_true) {
  const PkeyPtr key = make_key(KeyType::rsa_2048);
  const auto subject =
      x509::DistinguishedName::of(
          {{Attribute::common_name, "Hub CA"}, {Attribute::organization, "Hub"}, {Attribute::country, "KE"}})
          .value();
  const Bytes spki = spki_of(key.get()).value();
  const auto prepared = ca::prepare_ca_csr(profile("test-root"), subject, spki).value();
  const Bytes signature = sign_with(key.get(), prepared.algorithm, prepared.info);
  const x509::Csr csr = ca::assemble_csr(prepared.info, prepared.algorithm, signature).value();
  const TemporaryFile file(csr.to_pem());
  const CommandResult text = run_command({"openssl", "req", "-in", file.path(), "-verify", "-noout", "-text"});
  for (const char* wanted :
       {"verify OK", "CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign", "Subject: C = KE, O = Hub, CN = Hub CA"})
    BOOST_TEST(contains(text.output, wanted), wanted << " is not in\n" << text.output);
  BOOST_TEST(csr.asks_for_ca().value());
}

BOOST_AUTO_TEST_CASE(a_hub_csr_holds_subject_and_names) {
  const TemporaryFile file(
      make_csr(make_key(KeyType::ec_p256).get(),
               {{{Attribute::common_name, "hub.example.com"}}, {"hub.example.com"}, {"192.0.2.7"}}));
  const CommandResult text = run_command({"openssl", "req", "-in", file.path(), "-verify", "-noout", "-text"});
  for (const char* wanted : {"verify OK", "DNS:hub.example.com, IP Address:192.0.2.7", "Subject: CN = hub.example.com"})
    BOOST_TEST(contains(text.output, wanted), wanted << " is not in\n" << text.output);
  BOOST_TEST(!ca::prepare_csr({}, {}, spki_of(make_key(KeyType::ec_p256).get()).value()).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
