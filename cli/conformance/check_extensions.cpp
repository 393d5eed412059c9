// Extensions and keys of certificates as they were issued.
#include <fmt/format.h>
#include <openssl/x509v3.h>

#include "cli/conformance/checks.h"
#include "cli/conformance/words.h"
#include "common/x509/weak_key.h"

namespace hubseal::cli::conformance::checks {
namespace {

using ConstraintsPtr = std::unique_ptr<NAME_CONSTRAINTS, Deleter<NAME_CONSTRAINTS_free>>;

ConstraintsPtr constraints_of(const x509::Certificate& ca) {
  return ConstraintsPtr(
      static_cast<NAME_CONSTRAINTS*>(X509_get_ext_d2i(ca.openssl(), NID_name_constraints, nullptr, nullptr)));
}

std::vector<std::string> faults_of_ca(const x509::Certificate& ca) {
  std::vector<std::string> faults;
  if (ca.subject_key_identifier().empty()) faults.emplace_back("no subjectKeyIdentifier");
  if (!is_critical(ca, NID_key_usage)) faults.emplace_back("keyUsage is not critical");
  if (!is_critical(ca, NID_basic_constraints)) faults.emplace_back("basicConstraints is not critical");
  return faults;
}

void judge_scope(Finding& finding, const Installation& found, const Authority& authority) {
  const ConstraintsPtr constraints = constraints_of(*authority.certificate);
  if (!constraints) return finding.note(fmt::format("CA {} has no name constraints", authority.name));
  finding.judge(fmt::format("CA {} has name constraints", authority.name),
                is_critical(*authority.certificate, NID_name_constraints)
                    ? std::vector<std::string>()
                    : std::vector<std::string>{"they are not critical"});
  judge_certificates(finding, found, fmt::format("within the names of CA {}, where it has signed them", authority.name),
                     [&](const Issued& issued) -> std::optional<std::string> {
                       if (issued.row.ca != authority.name) return std::nullopt;
                       const int outcome = NAME_CONSTRAINTS_check(issued.certificate.openssl(), constraints.get());
                       if (outcome == X509_V_OK) return std::nullopt;
                       return std::string(X509_verify_cert_error_string(outcome));
                     });
}

}  // namespace

Finding extensions(const Installation& found) {
  Finding finding;
  if (!found.authorities) {
    finding.unseen("CAs", found.authorities.error());
    return finding;
  }
  for (const Authority& authority : *found.authorities)
    if (authority.certificate)
      finding.judge(fmt::format("CA {}: key identifier, critical keyUsage and basicConstraints", authority.name),
                    faults_of_ca(*authority.certificate));
  judge_certificates(
      finding, found, "key identifiers, critical keyUsage", [&](const Issued& issued) -> std::optional<std::string> {
        const Authority* issuer = issuer_of(found, issued.row.ca);
        if (issued.certificate.subject_key_identifier().empty()) return "no subjectKeyIdentifier";
        if (!issuer || issued.certificate.authority_key_identifier() != issuer->certificate->subject_key_identifier())
          return "its authorityKeyIdentifier is not that of its CA";
        if (!is_critical(issued.certificate, NID_key_usage)) return "keyUsage is not critical";
        return std::nullopt;
      });
  return finding;
}

Finding name_constraints(const Installation& found) {
  Finding finding;
  if (!found.authorities) {
    finding.unseen("CAs", found.authorities.error());
    return finding;
  }
  for (const Authority& authority : *found.authorities)
    if (authority.certificate) judge_scope(finding, found, authority);
  return finding;
}

Finding weak_keys(const Installation& found) {
  Finding finding;
  if (!found.authorities) finding.unseen("CAs", found.authorities.error());
  if (found.authorities)
    for (const Authority& authority : *found.authorities)
      if (authority.certificate && is_rsa(authority.certificate->public_key())) {
        const auto weakness = x509::weakness_of_rsa(authority.certificate->public_key());
        finding.judge(fmt::format("CA {}: {}", authority.name, key_words(authority.certificate->public_key())),
                      weakness ? std::vector<std::string>{*weakness} : std::vector<std::string>());
      }
  judge_certificates(finding, found, "no weak RSA key", [](const Issued& issued) -> std::optional<std::string> {
    if (!is_rsa(issued.certificate.public_key())) return std::nullopt;
    return x509::weakness_of_rsa(issued.certificate.public_key());
  });
  return finding;
}

Finding no_encipherment_for_ec(const Installation& found) {
  Finding finding;
  std::size_t curves = 0;
  Finding judged;
  judge_certificates(judged, found, "none with an EC key says keyEncipherment",
                     [&](const Issued& issued) -> std::optional<std::string> {
                       if (is_rsa(issued.certificate.public_key())) return std::nullopt;
                       ++curves;
                       if ((issued.certificate.key_usage() & KU_KEY_ENCIPHERMENT) == 0) return std::nullopt;
                       return "keyEncipherment for an EC key";
                     });
  if (curves > 0 || !found.certificates) return judged;
  finding.note("no certificate in force has an EC key");
  return finding;
}

}  // namespace hubseal::cli::conformance::checks
