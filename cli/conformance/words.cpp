#include "cli/conformance/words.h"

#include <array>

#include <fmt/format.h>
#include <openssl/core_names.h>

namespace hubseal::cli::conformance {
namespace {

constexpr std::size_t kNamed = 5;  // certificates at fault that are named one by one

std::string how_many(const Certificates& certificates) {
  if (certificates.read.size() < certificates.in_force)
    return fmt::format("the newest {} of {} certificates in force", certificates.read.size(), certificates.in_force);
  return fmt::format("{} {} in force", certificates.in_force,
                     certificates.in_force == 1 ? "certificate" : "certificates");
}

}  // namespace

std::string day(TimePoint time) { return format_utc(time).substr(0, 10); }

std::string key_words(const EVP_PKEY* key) {
  if (!key) return "a key that cannot be read";
  if (is_rsa(key)) return fmt::format("RSA-{}", bits_of(key));
  std::array<char, 64> curve{};
  if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, curve.data(), curve.size(), nullptr) != 1)
    return "a key of another kind";
  const std::string name(curve.data());
  if (name == SN_X9_62_prime256v1) return "EC P-256";
  return name == SN_secp384r1 ? "EC P-384" : "EC " + name;
}

std::string signature_words(const x509::Certificate& certificate) {
  const char* name = OBJ_nid2ln(X509_get_signature_nid(certificate.openssl()));
  return name ? name : "a signature of unknown kind";
}

std::int64_t days_of(const x509::Certificate& certificate) {
  return std::chrono::floor<std::chrono::days>(certificate.not_after() - certificate.not_before()).count();
}

bool is_rsa(const EVP_PKEY* key) { return key && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA; }
int bits_of(const EVP_PKEY* key) { return key ? EVP_PKEY_get_bits(key) : 0; }

bool is_critical(const x509::Certificate& certificate, int nid) {
  const int at = X509_get_ext_by_NID(certificate.openssl(), nid, -1);
  return at >= 0 && X509_EXTENSION_get_critical(X509_get_ext(certificate.openssl(), at)) == 1;
}

std::string name_of(const Issued& issued) {
  return fmt::format("{}'s certificate {}", issued.row.subject, issued.row.serial);
}

const Authority* issuer_of(const Installation& found, const std::string& name) {
  if (!found.authorities) return nullptr;
  for (const Authority& authority : *found.authorities)
    if (authority.name == name && authority.certificate) return &authority;
  return nullptr;
}

void judge_certificates(Finding& finding, const Installation& found, const std::string& praise, const Fault& fault,
                        Mark mark) {
  if (!found.certificates) return finding.unseen("participants' certificates", found.certificates.error());
  const auto& read = found.certificates->read;
  if (read.empty()) return finding.note("no participant has a certificate in force");
  std::size_t faulty = 0;
  for (const Issued& issued : read)
    if (const auto problem = fault(issued); problem && faulty++ < kNamed)
      finding.add(mark, fmt::format("{}: {}", name_of(issued), *problem));
  if (faulty > kNamed) finding.add(mark, fmt::format("{} more like these", faulty - kNamed));
  if (faulty == 0) finding.good(fmt::format("{}: {}", how_many(*found.certificates), praise));
}

}  // namespace hubseal::cli::conformance
