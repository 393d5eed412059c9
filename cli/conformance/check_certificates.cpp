// Certificates as they were issued: keys, serial numbers, issuers, validity.
#include <map>
#include <set>

#include <fmt/format.h>

#include "cli/conformance/checks.h"
#include "cli/conformance/words.h"

namespace hubseal::cli::conformance::checks {
namespace {

constexpr int kSerialBits = 64;

int bits(const x509::Serial& serial) {
  const BignumPtr number(BN_bin2bn(serial.magnitude().data(), static_cast<int>(serial.magnitude().size()), nullptr));
  return BN_num_bits(number.get());
}

/// Runs `judge` with each certificate's issuer.
template <class Judge>
Finding with_issuer(const Installation& found, const std::string& praise, const Judge& judge) {
  Finding finding;
  if (!found.authorities) {
    finding.unseen("CAs", found.authorities.error());
    return finding;
  }
  judge_certificates(finding, found, praise, [&](const Issued& issued) -> std::optional<std::string> {
    const Authority* issuer = issuer_of(found, issued.row.ca);
    if (!issuer) return fmt::format("its CA {} is not there", issued.row.ca);
    return judge(issued.certificate, *issuer->certificate);
  });
  return finding;
}

}  // namespace

Finding keys_certified_once(const Installation& found) {
  Finding finding;
  std::map<KeyId, std::string> owners;
  if (found.authorities)
    for (const Authority& authority : *found.authorities)
      if (authority.certificate) owners.emplace(authority.certificate->key_id(), "CA " + authority.name);
  judge_certificates(finding, found, "each with a key of its own",
                     [&](const Issued& issued) -> std::optional<std::string> {
                       const auto [owner, is_new] = owners.emplace(issued.certificate.key_id(), name_of(issued));
                       if (is_new) return std::nullopt;
                       return "its key is also that of " + owner->second;
                     });
  return finding;
}

Finding serials(const Installation& found) {
  Finding finding;
  judge_certificates(finding, found, "serial numbers are positive, of 20 octets at most and long enough to be random",
                     [](const Issued& issued) -> std::optional<std::string> {
                       const int found_bits = bits(issued.certificate.serial());
                       if (found_bits >= kSerialBits) return std::nullopt;
                       return fmt::format("a serial number of {} bits; wanted {} random ones", found_bits, kSerialBits);
                     });
  if (!found.certificates) return finding;
  std::set<std::pair<std::string, std::string>> seen;
  bool twice = false;
  for (const CertificateRow& row : found.certificates->rows) {
    if (seen.insert({row.ca, row.serial}).second) continue;
    twice = true;
    finding.bad(fmt::format("CA {} has signed two certificates with serial {}", row.ca, row.serial));
  }
  if (!twice && !seen.empty()) finding.good(fmt::format("serial numbers in the registry: {}, each once", seen.size()));
  return finding;
}

Finding issuers(const Installation& found) {
  return with_issuer(found, "issuer byte for byte the CA's subject, signed by it",
                     [](const x509::Certificate& one, const x509::Certificate& ca) -> std::optional<std::string> {
                       if (one.issuer_der() != ca.subject_der()) return "its issuer is " + one.issuer();
                       if (!one.verify(ca.public_key())) return "it is not signed by its CA";
                       return std::nullopt;
                     });
}

Finding validity_within_issuer(const Installation& found) {
  return with_issuer(found, "valid no longer than their CA",
                     [](const x509::Certificate& one, const x509::Certificate& ca) -> std::optional<std::string> {
                       if (one.not_before() >= ca.not_before() && one.not_after() <= ca.not_after())
                         return std::nullopt;
                       return fmt::format("{} to {}, its CA {} to {}", day(one.not_before()), day(one.not_after()),
                                          day(ca.not_before()), day(ca.not_after()));
                     });
}

Finding requests(const Installation& found) {
  Finding finding;
  judge_certificates(finding, found, "CA:FALSE", [](const Issued& issued) -> std::optional<std::string> {
    if (!issued.certificate.is_ca()) return std::nullopt;
    return "CA:TRUE";
  });
  finding.add(Mark::unseen, "proof of possession: a certificate does not show it, and hubseald shows no CSRs");
  return finding;
}

}  // namespace hubseal::cli::conformance::checks
