// Policies, addresses, name constraints and patterns of names: what openssl(1) reads, and what is refused.
#include <fstream>
#include <functional>

#include <fmt/format.h>
#include <boost/test/unit_test.hpp>

#include "daemon/ca/build.h"
#include "daemon/ca/lint.h"
#include "tests/support/ca_fixture.h"
#include "tests/support/run_command.h"
#include "tests/support/software_signer.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;
using namespace hubseal::test;
using x509::Attribute;

namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string openssl_text(const x509::Certificate& certificate) {
  const TempDir folder;
  std::ofstream(folder / "c.pem") << certificate.to_pem();
  return run_command({"openssl", "x509", "-in", folder / "c.pem", "-noout", "-text"}).output;
}

/// openssl's verdict on a leaf below a root.
CommandResult verify(const x509::Certificate& root, const x509::Certificate& leaf) {
  const TempDir folder;
  std::ofstream(folder / "root.pem") << root.to_pem();
  std::ofstream(folder / "leaf.pem") << leaf.to_pem();
  return run_command({"openssl", "verify", "-x509_strict", "-attime",
                      std::to_string(kNow.time_since_epoch().count() + 1), "-CAfile", folder / "root.pem",
                      folder / "leaf.pem"});
}

std::string csr(const CsrContent& content = {}) { return make_csr(make_key(KeyType::ec_p256).get(), content); }

ca::Profile with_addresses() {
  ca::Profile p = profile("dfsp-server");
  p.names.required = false;
  p.crl_urls = {"http://pki.example/{ca}.crl", "http://mirror.example/{ca}.crl"};
  p.ocsp_urls = {"http://pki.example/ocsp"};
  p.policy_oids = {"1.3.6.1.4.1.99999.1", "2.23.140.1.2.1"};
  return p;
}

/// A root limited to these names. The profile lives as long as the root is made.
TestCa constrained(const ca::NameConstraints& constraints) {
  TestCa ca(KeyType::ec_p256);
  ca::Profile root = profile("test-root");
  root.name_constraints = constraints;
  const auto subject = ca.issuer->certificate().subject_name().value();
  const Bytes spki = spki_of(ca.key.get()).value();
  ca.issuer =
      ca::Issuer::of(ca.finish(ca::prepare_root({root, subject, spki, ca::new_serial().value(), kNow}).value()).value())
          .value();
  return ca;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ca_extensions)

BOOST_AUTO_TEST_CASE(PKI_6_certificates_say_where_crl_and_ocsp_are) {
  const TestCa ca(KeyType::ec_p256);
  const auto certificate = ca.issue(csr(), with_addresses()).value();
  const std::string text = openssl_text(certificate);
  for (const char* wanted :
       {"X509v3 CRL Distribution Points: \n                Full Name:\n                  "
        "URI:http://pki.example/hub-ca.crl\n                  URI:http://mirror.example/hub-ca.crl",
        "Authority Information Access: \n                OCSP - URI:http://pki.example/ocsp",
        "X509v3 Certificate Policies: \n                Policy: 1.3.6.1.4.1.99999.1\n"
        "                Policy: 2.23.140.1.2.1"})
    BOOST_TEST(contains(text, wanted), wanted << " is not in\n" << text);
  const CommandResult verdict = verify(ca.issuer->certificate(), certificate);
  BOOST_TEST(verdict.exit_code == 0, verdict.output);
}

BOOST_AUTO_TEST_CASE(without_addresses_a_certificate_is_laid_out_as_ever) {
  const TestCa ca(KeyType::ec_p256);
  const std::string text = openssl_text(ca.issue(csr(), profile("dfsp-client")).value());
  for (const char* absent : {"CRL Distribution", "Information Access", "Certificate Policies", "Name Constraints"})
    BOOST_TEST(!contains(text, absent), absent);
}

BOOST_AUTO_TEST_CASE(RFC_5280_4_2_1_10_a_root_can_be_limited_to_names) {
  const TestCa ca = constrained({.permitted_dns = {"dfsp.example"},
                                 .excluded_dns = {"hub.dfsp.example"},
                                 .permitted_ip = {"192.0.2.0/24", "2001:db8::/32"},
                                 .excluded_ip = {"192.0.2.128/25"}});
  const std::string text = openssl_text(ca.issuer->certificate());
  for (const char* wanted : {"X509v3 Name Constraints: critical", "DNS:dfsp.example", "IP:192.0.2.0/255.255.255.0",
                             "DNS:hub.dfsp.example", "IP:192.0.2.128/255.255.255.128"})
    BOOST_TEST(contains(text, wanted), wanted << " is not in\n" << text);
  const auto server = with_addresses();
  const auto good = ca.issue(csr({{}, {"a.dfsp.example"}, {"192.0.2.1", "2001:db8::1"}}), server);
  BOOST_REQUIRE_MESSAGE(good.has_value(), (good ? "" : good.error().message));
  BOOST_TEST(verify(ca.issuer->certificate(), *good).exit_code == 0);
  for (const CsrContent& content :
       {CsrContent{{}, {"dfsp.example.org"}, {}}, CsrContent{{}, {"x.hub.dfsp.example"}, {}},
        CsrContent{{}, {}, {"198.51.100.1"}}, CsrContent{{}, {}, {"192.0.2.129"}}, CsrContent{{}, {}, {"2001:db9::1"}},
        CsrContent{{{Attribute::common_name, "bank1.example"}}, {}, {}}}) {
    const auto refused = ca.issue(csr(content), server);
    BOOST_REQUIRE(!refused.has_value());
    BOOST_TEST((refused.error().code == Code::policy_denied));
    BOOST_TEST(contains(refused.error().message, "name constraints"), refused.error().message);
  }
}

BOOST_AUTO_TEST_CASE(lint_finds_addresses_that_are_not_the_profiles) {
  const TestCa ca(KeyType::ec_p256);
  const ca::Profile server = with_addresses();
  const x509::Csr request = x509::Csr::parse(csr()).value();
  const ca::Prepared good =
      ca::prepare_certificate(*ca.issuer, {server, request, anyone(), "hub-ca", ca::new_serial().value(), kNow})
          .value();
  const auto participant = anyone();
  const auto verdict = [&](const ca::Profile& wanted, std::string_view name) {
    const auto linted = ca::lint(good, {wanted, &*ca.issuer, &participant, name, request.spki(), KeyType::ec_p256});
    return linted ? "good" : linted.error().message;
  };
  BOOST_TEST(verdict(server, "hub-ca") == "good");
  BOOST_TEST(contains(verdict(server, "other-ca"), "lint: cRLDistributionPoints"));
  for (const auto& [rule, spoil] : std::vector<std::pair<std::string, std::function<void(ca::Profile&)>>>{
           {"cRLDistributionPoints", [](ca::Profile& p) { p.crl_urls.pop_back(); }},
           {"authorityInfoAccess", [](ca::Profile& p) { p.ocsp_urls = {"http://other.example/ocsp"}; }},
           {"certificatePolicies", [](ca::Profile& p) { p.policy_oids = {"1.2.3", "2.23.140.1.2.1"}; }},
           {"extensions", [](ca::Profile& p) { p.crl_urls.clear(); }},
           {"extensions", [](ca::Profile& p) { p.name_constraints.permitted_dns = {"example"}; }}}) {
    ca::Profile other = server;
    spoil(other);
    BOOST_TEST(verdict(other, "hub-ca").starts_with("lint: " + rule), rule << ": " << verdict(other, "hub-ca"));
  }
}

BOOST_AUTO_TEST_CASE(RFC_5280_4_2_1_10_lint_finds_constraints_that_are_not_the_profiles) {
  const TestCa ca = constrained({.permitted_dns = {"dfsp.example"}});
  const Bytes spki = spki_of(ca.key.get()).value();
  ca::Profile root = profile("test-root");
  root.name_constraints.permitted_dns = {"dfsp.example"};
  const ca::Prepared good =
      ca::prepare_root({root, ca.issuer->certificate().subject_name().value(), spki, ca::new_serial().value(), kNow})
          .value();
  root.name_constraints.permitted_dns = {"other.example"};
  const auto linted = ca::lint(good, {root, nullptr, nullptr, "", spki, KeyType::ec_p256});
  BOOST_REQUIRE(!linted.has_value());
  BOOST_TEST(linted.error().message.starts_with("lint: nameConstraints"), linted.error().message);
}

BOOST_AUTO_TEST_CASE(a_csr_for_an_outside_root_asks_for_the_constraints) {
  ca::Profile root = profile("test-root");
  root.name_constraints.permitted_dns = {"dfsp.example"};
  const PkeyPtr key = make_key(KeyType::ec_p256);
  const Bytes spki = spki_of(key.get()).value();
  const auto subject =
      x509::DistinguishedName::of(
          {{Attribute::common_name, "Sub CA"}, {Attribute::organization, "Hub"}, {Attribute::country, "KE"}})
          .value();
  const ca::PreparedCsr prepared = ca::prepare_ca_csr(root, subject, spki).value();
  BOOST_TEST(contains(std::string(as_text(prepared.info)), "dfsp.example"));
}

BOOST_AUTO_TEST_CASE(PKI_5_patterns_keep_names_to_their_participant) {
  const TestCa ca(KeyType::ec_p256);
  ca::Profile server = profile("dfsp-server");
  server.names.required = false;
  server.names.dns_patterns = {"*.{subject}.dfsp.example", "{subject}.dfsp.example", "shared.dfsp.example"};
  const auto outcome = [&](const std::string& id, const CsrContent& content) {
    const auto certificate = ca.issue(csr(content), server, anyone(id));
    return certificate ? "issued" : certificate.error().message;
  };
  for (const char* name : {"api.bank1.dfsp.example", "bank1.dfsp.example", "shared.dfsp.example"})
    BOOST_TEST(outcome("bank1", {{}, {name}, {}}) == "issued", name);
  BOOST_TEST(outcome("BANK1", {{}, {"bank1.dfsp.example"}, {}}) == "issued");
  for (const char* name : {"bank2.dfsp.example", "api.bank2.dfsp.example", "a.b.bank1.dfsp.example", "dfsp.example",
                           "bank1.dfsp.example.org", "x.shared.dfsp.example"})
    BOOST_TEST(contains(outcome("bank1", {{}, {name}, {}}), "fits none of dns_patterns"), name);
  BOOST_TEST(contains(outcome("bank1", {{{Attribute::common_name, "bank2.dfsp.example"}}, {}, {}}), "dns_patterns"));
  // "a.bank1" must not reach below bank1.
  BOOST_TEST(contains(outcome("a.bank1", {{}, {"a.bank1.dfsp.example"}, {}}), "dns_patterns"));
  BOOST_TEST(contains(outcome("a_b", {{}, {"x.dfsp.example"}, {}}), "dns_patterns"));
}

BOOST_AUTO_TEST_CASE(each_mistake_in_a_profile_is_refused_with_its_key) {
  const auto refusal = [](const std::string& name, const std::string& from, const std::string& to) {
    const TempDir folder;
    std::string text = source_file("config/profiles/" + name + ".toml");
    const std::size_t at = text.find(from);
    BOOST_REQUIRE_MESSAGE(at != std::string::npos, from);
    std::ofstream(folder / (name + ".toml")) << text.replace(at, from.size(), to);
    const auto loaded = load_profiles(folder.path());
    return loaded ? "accepted" : loaded.error().message;
  };
  const auto refused = [&](const std::string& name, const std::string& from, const std::string& to,
                           const std::string& words) {
    BOOST_TEST(contains(refusal(name, from, to), words), to << ": " << refusal(name, from, to));
  };
  refused("jws", "\ncrl_urls  = []", "", "\"crl_urls\" is missing");
  refused("jws", "\nocsp_urls = []", "", "\"ocsp_urls\" is missing");
  refused("jws", "\nrenew_from_days = 547", "", "\"renew_from_days\" is missing");
  refused("jws", "= 547", "= 730", "\"renew_from_days\" is not below validity_days");
  for (const char* url : {"https://a.example/x", "ftp://a.example", "http://", "http:///x",
                          "http://a.example/{subject}", "http://a.example/ x", "a.example"})
    refused("jws", "\ncrl_urls  = []", fmt::format("\ncrl_urls = [\"{}\"]", url), "\"crl_urls\" holds");
  for (const char* oid : {"1.2.03", "one", "1", "9.9.9", "1.2.3 "})
    refused("jws", "\ncrl_urls", fmt::format("\npolicy_oids = [\"{}\"]\ncrl_urls", oid), "\"policy_oids\" holds");
  refused("jws", "\ncrl_urls", "\npolicy_oids = [\"1.2.3\", \"1.2.3\"]\ncrl_urls", "twice");
  for (const char* pattern : {"a*.example", "*a.example", "{subject}a.example", "a-{subject}.example", "{ca}.example",
                              "A.example", ".example", "a..example"})
    refused("dfsp-client", "max = 32", fmt::format("max = 32\ndns_patterns = [\"{}\"]", pattern),
            "\"dns_patterns\" holds");
  const std::string table = "\n[name_constraints]\n";
  refused("jws", "\n[subject.locality]", table + "permitted_dns = [\"a.example\"]\n[subject.locality]",
          "\"name_constraints\" is for kind");
  refused("hub-root", "\n[subject.locality]", table + "\n[subject.locality]", "constrains nothing");
  for (const char* line :
       {"permitted_dns = [\".a.example\"]", "excluded_dns = [\"*.a.example\"]", "permitted_ip = [\"192.0.2.1/24\"]",
        "excluded_ip = [\"192.0.2.0\"]", "excluded_ip = [\"192.0.2.0/33\"]", "permitted_ip = [\"2001:DB8::/32\"]",
        "permitted_email = [\"a.example\"]"})
    BOOST_TEST(refusal("hub-root", "\n[subject.locality]", table + line + "\n[subject.locality]") != "accepted", line);
  refused("hub-root", "path_len = 0", "path_len = 0\ncrl_urls = []", "\"crl_urls\" is not known here");
  BOOST_TEST(refusal("jws", "\ncrl_urls  = []",
                     "\npolicy_oids = [\"1.3.6.1.4.1.99999.1\"]\n"
                     "crl_urls = [\"http://pki.example:8080/{ca}.crl\"]") == "accepted");
}

BOOST_AUTO_TEST_SUITE_END()
