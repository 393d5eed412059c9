// The hub's CAs: root certificates, their roll-over, and what they say of revoked certificates.
#include <algorithm>

#include <fmt/format.h>

#include "cli/conformance/checks.h"
#include "cli/conformance/words.h"
#include "cli/table.h"

namespace hubseal::cli::conformance::checks {
namespace {

using std::chrono::days;
using std::chrono::hours;

constexpr int kRootBits = 4096;
constexpr std::int64_t kTenYearsLeast = 3650, kTenYearsMost = 3654;  // leap days, and a little of backdating
constexpr days kEightYears{2922};
constexpr hours kDaily{25};  // a day, and an hour for the making

bool is_root(const x509::Certificate& certificate) { return certificate.subject_der() == certificate.issuer_der(); }

std::vector<std::string> faults_of_root(const x509::Certificate& root, TimePoint now) {
  std::vector<std::string> faults;
  const EVP_PKEY* key = root.public_key();
  if (!is_rsa(key) || bits_of(key) < kRootBits)
    faults.push_back(fmt::format("{}; wanted RSA of {} bits or more", key_words(key), kRootBits));
  if (X509_get_signature_nid(root.openssl()) != NID_sha512WithRSAEncryption)
    faults.push_back(fmt::format("signed with {}; wanted sha512WithRSAEncryption", signature_words(root)));
  if (!root.is_ca()) faults.emplace_back("CA:FALSE; wanted CA:TRUE");
  if (days_of(root) < kTenYearsLeast || days_of(root) > kTenYearsMost)
    faults.push_back(fmt::format("valid for {} days; wanted ten years", days_of(root)));
  if (now < root.not_before() || now > root.not_after()) faults.emplace_back("not valid now");
  if (!root.verify(root.public_key())) faults.emplace_back("not signed with its own key");
  return faults;
}

/// What a compromised key has signed can be told from nothing that a thief signed.
bool is_compromised(const Installation& found, const Authority& authority) {
  return found.keys && std::any_of(found.keys->begin(), found.keys->end(),
                                   [&](const Key& key) { return key.label == authority.key && key.compromised; });
}

bool has_ended(const Authority& authority, TimePoint now) {
  return authority.state == "retired" && authority.certificate->not_after() < now;
}

/// Runs `judge` for every CA that has a certificate and was not retired and over.
template <class Judge>
Finding each_authority(const Installation& found, const Judge& judge) {
  Finding finding;
  if (!found.authorities) {
    finding.unseen("CAs", found.authorities.error());
    return finding;
  }
  if (found.authorities->empty()) finding.note("there is no CA yet");
  for (const Authority& authority : *found.authorities) {
    if (authority.certificate && has_ended(authority, found.now))
      finding.note(
          fmt::format("CA {} was retired and ended on {}", authority.name, day(authority.certificate->not_after())));
    else if (authority.certificate)
      judge(finding, authority, *authority.certificate);
    else
      finding.note(fmt::format("CA {} waits for its certificate from an outside root", authority.name));
  }
  return finding;
}

bool has_successor(const Installation& found, const x509::Certificate& old) {
  for (const Authority& other : *found.authorities)
    if (other.certificate && !is_compromised(found, other) && other.certificate->not_before() > old.not_before() &&
        other.certificate->key_id() != old.key_id() && other.certificate->not_after() > found.now)
      return true;
  return false;
}

std::string age_of(TimePoint then, TimePoint now) {
  const auto age = now - then;
  if (age < hours(2)) return fmt::format("{} min old", std::chrono::floor<std::chrono::minutes>(age).count());
  return fmt::format("{} h old", std::chrono::floor<hours>(age).count());
}

void judge_age(Finding& finding, const Authority& authority, const Crl& crl, TimePoint now) {
  std::vector<std::string> faults;
  if (!crl.signature_good) faults.emplace_back("its signature does not verify");
  if (now - crl.this_update > kDaily) faults.emplace_back("wanted a new one every day");
  if (crl.next_update < now) faults.emplace_back("it has expired");
  finding.judge(fmt::format("CA {}: CRL {} with {}, {}, good until {}", authority.name, crl.number,
                            counted(crl.entries, "revoked certificate"), age_of(crl.this_update, now),
                            format_utc(crl.next_update)),
                faults);
}

/// About the CA's own certificate. One that hubseald did not issue, of an outside root or taken over, is unknown to it.
bool is_issued_here(const Installation& found, const Authority& authority) {
  if (!found.certificates || !authority.certificate) return true;
  const std::string serial = authority.certificate->serial().hex();
  return std::any_of(found.certificates->rows.begin(), found.certificates->rows.end(),
                     [&](const CertificateRow& row) { return row.ca == authority.name && row.serial == serial; });
}

std::vector<std::string> faults_of_answer(const Ocsp& said, bool issued_here) {
  std::vector<std::string> faults;
  if (said.status != "good" && (issued_here || said.status != "unknown")) faults.emplace_back("wanted \"good\"");
  if (!said.signature_good) faults.emplace_back("its signature does not verify");
  if (!said.nonce_echoed) faults.emplace_back("it does not repeat the nonce");
  if (!said.current) faults.emplace_back("it is not of now");
  return faults;
}

bool policy_knows_responders(const Installation& found) {
  return !found.policy || std::any_of(found.policy->profiles.begin(), found.policy->profiles.end(),
                                      [](const Profile& profile) { return profile.kind == "ocsp_responder"; });
}

/// `silent`: what it means that there is no answer.
void judge_answer(Finding& finding, const Installation& found, const Authority& authority, Mark silent) {
  const std::string about = fmt::format("CA {}: OCSP", authority.name);
  if (authority.ocsp)
    return finding.judge(fmt::format("{} answers \"{}\" about the CA's own certificate", about, authority.ocsp->status),
                         faults_of_answer(*authority.ocsp, is_issued_here(found, authority)));
  if (!policy_knows_responders(found))
    return finding.add(silent, fmt::format("{}: the policy has no profile for a responder", about));
  const Error& error = authority.ocsp.error();
  if (error.code == Code::forbidden || error.code == Code::not_found) return finding.unseen(about, error);
  finding.add(silent, fmt::format("{}: {}", about, error.message));
}

}  // namespace

Finding root_certificate(const Installation& found) {
  Finding finding = each_authority(found, [&](Finding& out, const Authority& ca, const x509::Certificate& certificate) {
    if (!is_root(certificate))
      return out.note(fmt::format("CA {} hangs below {}: not a root", ca.name, certificate.issuer()));
    std::vector<std::string> faults = faults_of_root(certificate, found.now);
    if (is_compromised(found, ca)) faults.emplace_back("its key is compromised");
    out.judge(fmt::format("CA {} ({}): {}, {}, CA:{}, {} to {}, self-signed", ca.name, certificate.subject(),
                          key_words(certificate.public_key()), signature_words(certificate),
                          certificate.is_ca() ? "TRUE" : "FALSE", day(certificate.not_before()),
                          day(certificate.not_after())),
              faults);
  });
  if (found.authorities && found.authorities->empty()) finding.bad("wanted a root of the hub");
  return finding;
}

Finding roll_over(const Installation& found) {
  Finding finding = each_authority(found, [&](Finding& out, const Authority& ca, const x509::Certificate& certificate) {
    if (!is_root(certificate)) return;
    const TimePoint due = certificate.not_before() + kEightYears;
    if (is_compromised(found, ca))
      out.bad(fmt::format("CA {}: its key is compromised; wanted a new root now, by a way that a thief does not have",
                          ca.name));
    else if (found.now < due)
      out.good(fmt::format("CA {} began on {}: a new key pair is due on {}", ca.name, day(certificate.not_before()),
                           day(due)));
    else if (has_successor(found, certificate))
      out.good(fmt::format("CA {} is over eight years old and has a successor with another key", ca.name));
    else
      out.bad(fmt::format("CA {} began on {} and has no successor; wanted one since {}", ca.name,
                          day(certificate.not_before()), day(due)));
  });
  return finding;
}

Finding revocation(const Installation& found) {
  Finding finding = each_authority(found, [&](Finding& out, const Authority& ca, const x509::Certificate&) {
    if (ca.crl)
      judge_age(out, ca, *ca.crl, found.now);
    else if (ca.crl.error().code == Code::forbidden)
      out.unseen(fmt::format("CA {}: CRL", ca.name), ca.crl.error());
    else
      out.bad(fmt::format("CA {}: no CRL: {}", ca.name, ca.crl.error().message));
    judge_answer(out, found, ca, Mark::lacking);
  });
  for (const std::string& problem : found.health.problems)
    if (problem.starts_with("CRL of CA")) finding.lacking(problem);
  if (found.health.sealed) finding.lacking("hubseald is sealed: what is revoked now reaches neither CRL nor OCSP");
  if (found.policy && found.policy->approvals_needed.contains("release_certificate"))
    finding.note(fmt::format("certificates can be put on hold; {} people must agree to take a hold back",
                             found.policy->approvals_needed.at("release_certificate")));
  return finding;
}

Finding revocation_lists(const Installation& found) {
  return each_authority(found, [&](Finding& out, const Authority& ca, const x509::Certificate&) {
    if (!ca.crl) return out.unseen(fmt::format("CA {}: CRL", ca.name), ca.crl.error());
    std::vector<std::string> faults;
    if (ca.crl->version != 1) faults.emplace_back("wanted version 2");
    if (ca.crl->number.empty()) faults.emplace_back("without cRLNumber");
    if (!ca.crl->key_id_matches) faults.emplace_back("its authorityKeyIdentifier is not the CA's");
    if (!ca.crl->issuer_matches) faults.emplace_back("its issuer is not the CA's subject");
    if (!ca.crl->signature_good) faults.emplace_back("its signature does not verify");
    if (ca.crl->next_update <= found.now) faults.push_back("its nextUpdate was " + format_utc(ca.crl->next_update));
    out.judge(fmt::format("CA {}: CRL of version {}, cRLNumber {}, {}, {} of them without a reason", ca.name,
                          ca.crl->version + 1, ca.crl->number, counted(ca.crl->entries, "revoked certificate"),
                          ca.crl->without_reason),
              faults);
    out.note("that the numbers increase is not seen from one list");
  });
}

Finding ocsp(const Installation& found) {
  return each_authority(found, [&](Finding& out, const Authority& ca, const x509::Certificate&) {
    judge_answer(out, found, ca, Mark::bad);
  });
}

}  // namespace hubseal::cli::conformance::checks
