#include "tests/unit/cli/conformance_support.h"

#include <stdexcept>

#include "tests/support/must.h"
#include "tests/support/software_signer.h"

namespace hubseal::test {

using namespace hubseal::cli::conformance;

namespace {

Profile participants(const std::string& name, std::set<std::string> usage, std::set<std::string> extended) {
  Profile profile;
  profile.name = name;
  profile.kind = "end_entity";
  profile.signature_hash = "sha256";
  profile.key_types = {"rsa_2048", "rsa_3072"};
  profile.crl_urls = {"http://pki.hub.example/{ca}.crl"};
  profile.ocsp_urls = {"http://pki.hub.example/ocsp"};
  profile.key_usage = std::move(usage);
  profile.extended_key_usage = std::move(extended);
  profile.required = {"common_name", "country", "organization"};
  profile.validity_days = 730;
  profile.renew_from_days = 547;
  return profile;
}

Policy good_policy() {
  Policy policy;
  policy.register_mode = "closed";
  for (const char* operation : {"activate_key", "change_approvers", "create_ca", "create_csr", "create_key",
                                "deactivate_key", "destroy_key", "load_policy", "unseal"})
    policy.approvals_needed[operation] = 2;
  policy.profiles = {participants("dfsp-client", {"digital_signature", "key_encipherment"}, {"client_auth"}),
                     participants("dfsp-server", {"digital_signature", "key_encipherment"}, {"server_auth"}),
                     participants("jws", {"digital_signature"}, {}),
                     participants("encryption", {"key_encipherment"}, {})};
  policy.profiles.push_back({.name = "ocsp-responder", .kind = "ocsp_responder"});
  return policy;
}

Issued good_certificate() {
  ca::Profile with_addresses = profile("dfsp-client");
  with_addresses.crl_urls = {"http://pki.hub.example/{ca}.crl"};
  with_addresses.ocsp_urls = {"http://pki.hub.example/ocsp"};
  using x509::Attribute;
  const std::string csr = make_csr(
      make_key(KeyType::rsa_2048).get(),
      {.subject = {
           {Attribute::common_name, "bank1"}, {Attribute::organization, "Bank One"}, {Attribute::country, "KE"}}});
  auto certificate = must(good_ca().issue(csr, with_addresses));
  const CertificateRow row{"hub-ca",
                           certificate.serial().hex(),
                           "issued",
                           "dfsp-client",
                           "bank1",
                           certificate.subject(),
                           certificate.not_before(),
                           certificate.not_after()};
  return {row, certificate};
}

}  // namespace

const TestCa& good_ca() {
  static const TestCa kCa(KeyType::rsa_4096, "hub-root");
  return kCa;
}

Installation good_installation() {
  static const Issued kIssued = good_certificate();
  Installation found;
  found.now = kNow + std::chrono::hours(1);
  found.health.status = "ready";
  found.health.token_ready = found.health.log_writable = true;
  found.health.token = "hub";
  found.health.module = "/usr/lib/vendor/libhsm.so";
  found.health.version = "0.1.0";
  found.health.policy_version = "1";
  found.health.policy_sha256 = "9b0d";
  found.health.policy_files = "same";
  found.keys = {{.label = "hub-ca", .type = "rsa_4096", .use = "ca", .state = "active", .grade = "generated"},
                {.label = "hub-jws",
                 .type = "rsa_2048",
                 .use = "jws",
                 .state = "active",
                 .grade = "generated",
                 .kid = "k",
                 .thumbprint = "k"}};
  Authority authority;
  authority.name = authority.key = "hub-ca";
  authority.state = "active";
  authority.certificate = good_ca().issuer->certificate();
  authority.crl = Crl{.number = "3",
                      .version = 1,
                      .this_update = kNow,
                      .next_update = kNow + std::chrono::hours(48),
                      .signature_good = true,
                      .issuer_matches = true,
                      .key_id_matches = true};
  authority.ocsp = Ocsp{.status = "good", .signature_good = true, .nonce_echoed = true, .current = true};
  found.authorities = {authority};
  found.certificates = Certificates{.rows = {kIssued.row}, .in_force = 1, .read = {kIssued}};
  found.policy = good_policy();
  found.log = Log{.origin = "hubseal/5f0c",
                  .size = 41,
                  .signature_good = true,
                  .first_in_tree = true,
                  .last_in_tree = true,
                  .consistent = true,
                  .uncovered = kNow + std::chrono::minutes(59),
                  .cosignatures = {{"regulator.example", kNow}}};
  found.approvers = {"alice", "bob"};
  return found;
}

Finding finding_of(const std::string& id, const Installation& found) {
  for (const Section& section : sections())
    for (const Clause& clause : section.clauses)
      if (clause.id == id) return clause.check(found);
  throw std::runtime_error("there is no clause " + id);
}

std::string verdict_of(const std::string& id, const Installation& found) {
  return std::string(to_string(finding_of(id, found).verdict()));
}

std::string evidence_of(const std::string& id, const Installation& found) {
  std::string all;
  const Finding finding = finding_of(id, found);
  for (const Evidence& piece : finding.evidence()) all += piece.text + "\n";
  return all;
}

}  // namespace hubseal::test
