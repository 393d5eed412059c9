// What the policy in force lets participants have, and what they have.
#include <algorithm>
#include <cctype>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/conformance/checks.h"
#include "cli/conformance/words.h"
#include "common/openssl.h"

namespace hubseal::cli::conformance::checks {
namespace {

using Words = std::set<std::string>;

constexpr std::int64_t kTwoYearsLeast = 728, kTwoYearsMost = 732;
constexpr int kParticipantBits = 2048;
constexpr std::int64_t kMonth18Least = 540, kMonth18Most = 550;

/// Runs `judge` for every profile of participants' certificates.
template <class Judge>
Finding each_profile(const Installation& found, const Judge& judge) {
  Finding finding;
  if (!found.policy) {
    finding.unseen("the policy in force", found.policy.error());
    return finding;
  }
  for (const Profile& profile : found.policy->profiles)
    if (profile.kind == "end_entity") judge(finding, profile);
  return finding;
}

struct Kind {
  const char* name;
  Words key_usage, extended;
  bool found = false;
};

std::vector<Kind> kinds() {
  return {{"TLS client", {"digital_signature", "key_encipherment"}, {"client_auth"}},
          {"TLS server", {"digital_signature", "key_encipherment"}, {"server_auth"}},
          {"signature", {"digital_signature"}, {}},
          {"encryption", {"key_encipherment"}, {}}};
}

/// RFC 8813: an EC key has no keyEncipherment, whatever the profile says.
std::optional<std::string> fault_of_usage(const Issued& issued) {
  const x509::Certificate& certificate = issued.certificate;
  const std::uint32_t usage = certificate.key_usage();
  const auto& extended = certificate.extended_key_usage();
  const std::uint32_t tls = is_rsa(certificate.public_key()) ? KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT
                                                             : std::uint32_t{KU_DIGITAL_SIGNATURE};
  const bool is_tls = extended.size() == 1 && (extended[0] == NID_client_auth || extended[0] == NID_server_auth);
  if (is_tls && usage == tls) return std::nullopt;
  if (extended.empty() && (usage == KU_DIGITAL_SIGNATURE || usage == KU_KEY_ENCIPHERMENT)) return std::nullopt;
  return fmt::format("key usage bits {:#x} with {} extended ones are none of the three kinds", usage, extended.size());
}

std::optional<std::string> fault_of_participant(const Issued& issued) {
  const x509::Certificate& certificate = issued.certificate;
  if (X509_get_signature_nid(certificate.openssl()) != NID_sha256WithRSAEncryption)
    return "signed with " + signature_words(certificate);
  if (certificate.is_ca()) return "CA:TRUE";
  if (days_of(certificate) < kTwoYearsLeast || days_of(certificate) > kTwoYearsMost)
    return fmt::format("valid for {} days", days_of(certificate));
  if (is_rsa(certificate.public_key()) && bits_of(certificate.public_key()) < kParticipantBits)
    return key_words(certificate.public_key());
  return std::nullopt;
}

std::optional<std::string> fault_of_name(const Issued& issued) {
  const auto name = issued.certificate.subject_name();
  if (!name) return name.error().message;
  for (const auto attribute : {x509::Attribute::common_name, x509::Attribute::organization, x509::Attribute::country})
    if (!name->get(attribute)) return fmt::format("without {}", x509::short_name(attribute));
  return std::nullopt;
}

bool has_crl_url(X509* certificate) { return X509_get_ext_by_NID(certificate, NID_crl_distribution_points, -1) >= 0; }

bool has_ocsp_url(X509* certificate) {
  STACK_OF(OPENSSL_STRING)* urls = X509_get1_ocsp(certificate);
  const bool some = sk_OPENSSL_STRING_num(urls) > 0;
  X509_email_free(urls);
  return some;
}

/// The CN of an RFC 4514 text, which begins with it; letter case does not count (PKI-5).
std::string common_name_of(const std::string& text) {
  if (!text.starts_with("CN=")) return {};
  std::size_t end = 3;
  while (end < text.size() && text[end] != ',') end += text[end] == '\\' ? 2u : 1u;
  std::string name = text.substr(3, end - 3);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

/// The CAs of the hub are one holder: a roll-over keeps the name (decision 053), so that its generations share one.
std::string holder_of(const CertificateRow& row) { return row.cross ? "the hub's CAs" : row.subject; }

void judge_names_of_several(Finding& finding, const Installation& found) {
  if (!found.certificates) return finding.unseen("certificates", found.certificates.error());
  std::map<std::string, Words> owners;
  for (const CertificateRow& row : found.certificates->rows)
    if (const std::string name = common_name_of(row.distinguished_name); !name.empty() && row.subject != row.ca)
      owners[name].insert(holder_of(row));
  bool shared = false;
  for (const auto& [name, subjects] : owners) {
    if (subjects.size() < 2) continue;
    shared = true;
    finding.bad(fmt::format("CN {} was certified for {}", name, fmt::join(subjects, " and ")));
  }
  if (!shared && !owners.empty())
    finding.good(fmt::format("common names certified: {}, none for two participants", owners.size()));
}

}  // namespace

Finding kinds_of_certificate(const Installation& found) {
  std::vector<Kind> wanted = kinds();
  Finding finding = each_profile(found, [&](Finding& out, const Profile& profile) {
    for (Kind& kind : wanted) {
      if (profile.key_usage != kind.key_usage || profile.extended_key_usage != kind.extended) continue;
      kind.found = true;
      return out.good(fmt::format("profile {}: {}", profile.name, kind.name));
    }
    out.bad(fmt::format("profile {}: {}{}{} is none of the three kinds", profile.name,
                        fmt::join(profile.key_usage, ", "), profile.extended_key_usage.empty() ? "" : "; ",
                        fmt::join(profile.extended_key_usage, ", ")));
  });
  if (found.policy)
    for (const Kind& kind : wanted)
      if (!kind.found) finding.lacking(fmt::format("no profile for {} certificates", kind.name));
  judge_certificates(finding, found, "of one of the three kinds", fault_of_usage);
  return finding;
}

Finding participants_certificates(const Installation& found) {
  Finding finding = each_profile(found, [](Finding& out, const Profile& profile) {
    std::vector<std::string> faults, other_keys;
    if (profile.signature_hash != "sha256") faults.push_back("signature_hash is " + profile.signature_hash);
    if (profile.validity_days < kTwoYearsLeast || profile.validity_days > kTwoYearsMost)
      faults.emplace_back("wanted 730 days");
    for (const std::string& type : profile.key_types)
      if (!type.starts_with("rsa_")) other_keys.push_back(type);
    out.judge(fmt::format("profile {}: {}, {}, {} days", profile.name, fmt::join(profile.key_types, ", "),
                          profile.signature_hash, profile.validity_days),
              faults);
    if (!other_keys.empty())
      out.lacking(fmt::format("profile {} allows {}; wanted RSA", profile.name, fmt::join(other_keys, ", ")));
  });
  judge_certificates(finding, found, "sha256WithRSAEncryption, CA:FALSE, two years", fault_of_participant);
  judge_certificates(
      finding, found, "RSA keys",
      [](const Issued& issued) -> std::optional<std::string> {
        const EVP_PKEY* key = issued.certificate.public_key();
        if (is_rsa(key)) return std::nullopt;
        return key_words(key) + "; wanted RSA";
      },
      Mark::lacking);
  return finding;
}

Finding subjects(const Installation& found) {
  Finding finding = each_profile(found, [](Finding& out, const Profile& profile) {
    std::vector<std::string> missing;
    for (const char* attribute : {"common_name", "organization", "country"})
      if (!profile.required.contains(attribute)) missing.emplace_back(attribute);
    if (missing.empty())
      out.good(fmt::format("profile {}: CN, O and C must be there", profile.name));
    else
      out.bad(fmt::format("profile {} asks for no {}", profile.name, fmt::join(missing, ", ")));
  });
  if (found.policy) {
    if (found.policy->register_mode == "closed")
      finding.good("register: closed; people enter each participant and its names");
    else
      finding.lacking(
          fmt::format("register: {}; a name goes to whoever asks first, wanted closed", found.policy->register_mode));
  }
  judge_certificates(finding, found, "CN, O and C", fault_of_name);
  judge_names_of_several(finding, found);
  return finding;
}

Finding addresses(const Installation& found) {
  Finding finding = each_profile(found, [](Finding& out, const Profile& profile) {
    std::vector<std::string> missing;
    if (profile.crl_urls.empty()) missing.emplace_back("crl_urls");
    if (profile.ocsp_urls.empty()) missing.emplace_back("ocsp_urls");
    if (missing.empty())
      out.good(fmt::format("profile {}: {}, {}", profile.name, fmt::join(profile.crl_urls, ", "),
                           fmt::join(profile.ocsp_urls, ", ")));
    else
      out.lacking(fmt::format("profile {}: {} empty", profile.name, fmt::join(missing, " and ")));
  });
  judge_certificates(
      finding, found, "CRL and OCSP addresses",
      [](const Issued& issued) -> std::optional<std::string> {
        X509* certificate = issued.certificate.openssl();
        if (!has_crl_url(certificate)) return "no CRL distribution point";
        if (!has_ocsp_url(certificate)) return "no OCSP address";
        return std::nullopt;
      },
      Mark::lacking);
  return finding;
}

Finding renewal(const Installation& found) {
  Finding finding = each_profile(found, [](Finding& out, const Profile& profile) {
    const bool month_18 = profile.renew_from_days >= kMonth18Least && profile.renew_from_days <= kMonth18Most;
    out.judge(fmt::format("profile {}: renewed from day {} of {}", profile.name, profile.renew_from_days,
                          profile.validity_days),
              month_18 ? std::vector<std::string>() : std::vector<std::string>{"wanted month 18 of 24, day 547"});
  });
  if (finding.verdict() != Verdict::unknown) finding.note("nothing reminds participants that month 18 has come");
  return finding;
}

}  // namespace hubseal::cli::conformance::checks
