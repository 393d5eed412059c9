#include "agent/service/validation.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <openssl/ec.h>
#include <nlohmann/json.hpp>

#include "agent/service/csr.h"
#include "agent/service/issued_certificate.h"
#include "agent/service/x509_words.h"
#include "common/key_types.h"
#include "common/x509/signature_algorithm.h"

namespace hubseal::agent {
namespace {

constexpr std::string_view kNoCertificate = "There is no certificate yet.";

Validation judge(std::string code, bool good, std::string message) {
  return {std::move(code), good ? Verdict::valid : Verdict::invalid, std::move(message)};
}

Validation not_available(std::string code, std::string_view why) {
  return {std::move(code), Verdict::not_available, std::string(why)};
}

Validation check_possession(const Csr& csr) {
  const bool holds = csr.signature_holds();
  return judge("CSR_SIGNATURE_VALID", holds,
               holds ? "The CSR is signed with its own key."
                     : "The CSR's signature does not match its own public key; wanted a CSR signed with the private "
                       "half of the key in it.");
}

Validation check_signature_algorithm(std::string code, std::string_view what, int nid, const X509_ALGOR* algorithm) {
  const std::string name = signature_name(nid);
  const bool sound = x509::is_sound_signature(algorithm);
  return judge(std::move(code), sound,
               sound ? fmt::format("The {} is signed with {}.", what, name)
                     : fmt::format("The {} is signed with {}; wanted RSA or ECDSA with SHA-256, SHA-384 or SHA-512.",
                                   what, name.empty() ? "an unknown algorithm" : name));
}

Validation check_csr_algorithm(const Csr& csr) {
  const X509_ALGOR* algorithm = nullptr;
  X509_REQ_get0_signature(csr.get(), nullptr, &algorithm);
  return check_signature_algorithm("CSR_SIGNATURE_ALGORITHM", "CSR", X509_REQ_get_signature_nid(csr.get()), algorithm);
}

Validation check_key_length(const Csr& csr, const ValidationRules& rules) {
  std::string code = fmt::format("CSR_PUBLIC_KEY_LENGTH_{}", rules.rsa_bits);
  const int bits = EVP_PKEY_get_bits(csr.key());
  if (EVP_PKEY_is_a(csr.key(), "RSA"))
    return judge(std::move(code), bits >= rules.rsa_bits,
                 bits >= rules.rsa_bits
                     ? fmt::format("The key has at least {} bits.", rules.rsa_bits)
                     : fmt::format("The key has {} bits; wanted at least {}.", bits, rules.rsa_bits));
  // An EC key is measured by its curve: P-256 outlasts RSA-2048, and its 256 bits are not RSA's.
  const auto type = key_type_of(csr.key());
  return judge(
      std::move(code), type.has_value(),
      type ? fmt::format("The key is {}, which is as good as RSA of the wanted size.", to_string(*type))
           : fmt::format("The key is neither RSA nor EC on P-256 or P-384; wanted RSA with at least {} bits or one "
                         "of these curves.",
                         rules.rsa_bits));
}

Validation check_same_key(const Csr& csr, const IssuedCertificate& certificate) {
  const bool same = EVP_PKEY_eq(csr.key(), certificate.key()) == 1;
  return judge("CSR_CERT_SAME_PUBLIC_KEY", same,
               same ? "CSR and certificate hold the same public key."
                    : "CSR and certificate hold different public keys; wanted the CSR's key in the certificate.");
}

Validation check_validity(const IssuedCertificate& certificate, TimePoint now) {
  std::time_t at = now.time_since_epoch().count();
  const bool begun = X509_cmp_time(X509_get0_notBefore(certificate.get()), &at) < 0;
  const bool ended = X509_cmp_time(X509_get0_notAfter(certificate.get()), &at) <= 0;
  Validation result = judge("CERTIFICATE_VALIDITY", begun && !ended,
                            !begun  ? fmt::format("The certificate is not valid yet at {}.", format_utc(now))
                            : ended ? fmt::format("The certificate has expired before {}.", format_utc(now))
                                    : std::string());
  result.shows_state = true;
  return result;
}

Validation check_certificate_algorithm(const IssuedCertificate& certificate) {
  const X509_ALGOR* algorithm = X509_get0_tbs_sigalg(certificate.get());
  return check_signature_algorithm("CERTIFICATE_SIGNATURE_ALGORITHM", "certificate",
                                   X509_get_signature_nid(certificate.get()), algorithm);
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::valid: return "VALID";
    case Verdict::invalid: return "INVALID";
    case Verdict::not_available: return "NOT_AVAILABLE";
  }
  return "INVALID";
}

Json to_json(const std::vector<Validation>& validations) {
  Json list = Json::array();
  for (const Validation& validation : validations) {
    Json item = {{"validationCode", validation.code},
                 {"performed", validation.verdict != Verdict::not_available},
                 {"result", to_string(validation.verdict)},
                 {"message", validation.message},
                 {"data", Json::object()},
                 {"messageTemplate", ""}};
    if (validation.shows_state) item["state"] = to_string(validation.verdict);
    list.push_back(std::move(item));
  }
  return list;
}

Verdict overall(const std::vector<Validation>& validations) {
  const bool bad = std::any_of(validations.begin(), validations.end(),
                               [](const Validation& v) { return v.verdict == Verdict::invalid; });
  return bad ? Verdict::invalid : Verdict::valid;
}

std::vector<Validation> validate_inbound(const Csr& csr, const IssuedCertificate* certificate,
                                         const ValidationRules& rules, TimePoint now) {
  std::vector<Validation> list = {check_possession(csr), check_csr_algorithm(csr), check_key_length(csr, rules)};
  list.push_back(certificate ? check_same_key(csr, *certificate)
                             : not_available("CSR_CERT_SAME_PUBLIC_KEY", kNoCertificate));
  list.push_back(not_available("CSR_CERT_SAME_SUBJECT_INFO",
                               certificate
                                   ? "The names in the certificate come from the hub's register of participants, "
                                     "not from the CSR."
                                   : kNoCertificate));
  list.push_back(certificate ? check_validity(*certificate, now)
                             : not_available("CERTIFICATE_VALIDITY", kNoCertificate));
  list.back().shows_state = true;
  list.push_back(certificate ? check_certificate_algorithm(*certificate)
                             : not_available("CERTIFICATE_SIGNATURE_ALGORITHM", kNoCertificate));
  list.push_back(
      not_available("CSR_CERT_PUBLIC_PRIVATE_KEY_MATCH",
                    certificate ? "The private key is the participant's; the hub never has it." : kNoCertificate));
  return list;
}

}  // namespace hubseal::agent
