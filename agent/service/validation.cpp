#include "agent/service/validation.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/service/certificate.h"
#include "agent/service/csr.h"
#include "agent/service/issued_certificate.h"
#include "agent/service/validation_checks.h"

namespace hubseal::agent {
namespace {

constexpr std::string_view kNoCertificate = "There is no certificate yet.";

void add_key_bits(Json& item, const KeyBits& bits) {
  const auto integer = [](int value) { return Json{{"type", "INTEGER"}, {"value", value}}; };
  item["details"] = {{"actualKeySize", bits.actual}, {"minKeySize", bits.wanted}};
  item["data"] = {{"actualKeySize", integer(bits.actual)}, {"keyLength", integer(bits.wanted)}};
}

Json to_json(const Validation& validation) {
  Json item = {{"validationCode", validation.code},
               {"performed", validation.verdict != Verdict::not_available},
               {"result", to_string(validation.verdict)},
               {"message", validation.message}};
  // Clients know the members in this order.
  if (!validation.details.empty() || validation.key_bits) item["details"] = validation.details;
  item["data"] = Json::object();
  // The message is finished: the existing portal swaps two values that it fills in itself.
  item["messageTemplate"] = "";
  if (validation.key_bits) add_key_bits(item, *validation.key_bits);
  if (validation.shows_state) item["state"] = to_string(validation.verdict);
  return item;
}

std::vector<Validation> judge_inbound(const Csr& csr, const X509* certificate, const ValidationRules& rules,
                                      TimePoint now, std::string_view why_names_differ) {
  return {check_possession(csr),
          check_csr_algorithm(csr),
          check_csr_key(csr, rules.rsa_bits),
          check_same_key(csr, certificate),
          not_available("CSR_CERT_SAME_SUBJECT_INFO", why_names_differ),
          check_validity(certificate, now),
          check_certificate_algorithm(certificate),
          not_available("CSR_CERT_PUBLIC_PRIVATE_KEY_MATCH",
                        "The private key is the participant's; the hub never has it.")};
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
  for (const Validation& validation : validations) list.push_back(to_json(validation));
  return list;
}

Verdict overall(const std::vector<Validation>& validations) {
  const bool bad = std::any_of(validations.begin(), validations.end(),
                               [](const Validation& v) { return v.verdict == Verdict::invalid; });
  return bad ? Verdict::invalid : Verdict::valid;
}

Result<> refuse_invalid(const std::vector<Validation>& validations, std::string_view what) {
  for (const Validation& one : validations)
    if (one.verdict == Verdict::invalid)
      return fail(Code::policy_denied, fmt::format("{}: {}: {}", what, one.code, one.message));
  return {};
}

std::vector<Validation> validate_inbound(const Csr& csr, const IssuedCertificate* certificate,
                                         const ValidationRules& rules, TimePoint now) {
  if (certificate)
    return judge_inbound(
        csr, certificate->get(), rules, now,
        "The names in the certificate come from the hub's register of participants, not from the CSR.");
  std::vector<Validation> list = {check_possession(csr), check_csr_algorithm(csr), check_csr_key(csr, rules.rsa_bits)};
  for (const char* code : {"CSR_CERT_SAME_PUBLIC_KEY", "CSR_CERT_SAME_SUBJECT_INFO", "CERTIFICATE_VALIDITY",
                           "CERTIFICATE_SIGNATURE_ALGORITHM", "CSR_CERT_PUBLIC_PRIVATE_KEY_MATCH"})
    list.push_back(not_available(code, kNoCertificate));
  list[5].shows_state = true;
  return list;
}

std::vector<Validation> validate_inbound(const Csr& csr, const Certificate& signed_elsewhere,
                                         const ValidationRules& rules, TimePoint now) {
  return judge_inbound(csr, signed_elsewhere.get(), rules, now,
                       "The certificate was made by another CA than the hub's, which chose the names in it.");
}

std::vector<Validation> validate_outbound(const Csr& csr, const Certificate* certificate, const CaChain& dfsp_ca,
                                          const ValidationRules& rules, TimePoint now) {
  std::vector<Validation> list = {check_possession(csr), check_csr_algorithm(csr), check_csr_key(csr, rules.rsa_bits)};
  if (!certificate) {
    for (const char* code : {"CSR_CERT_SAME_PUBLIC_KEY", "CSR_CERT_PUBLIC_PRIVATE_KEY_MATCH", "CERTIFICATE_VALIDITY",
                             "CERTIFICATE_SIGNATURE_ALGORITHM", "CERTIFICATE_SIGNED_BY_DFSP_CA"})
      list.push_back(not_available(code, kNoCertificate));
    list[5].shows_state = true;
    return list;
  }
  list.push_back(check_same_key(csr, certificate->get()));
  list.push_back(check_hub_key(csr, certificate->get()));
  list.push_back(check_validity(certificate->get(), now));
  list.push_back(check_certificate_algorithm(certificate->get()));
  list.push_back(check_signed_by(certificate->get(), dfsp_ca, now));
  return list;
}

std::vector<Validation> validate_server_certificate(const Certificate& certificate, const CaChain& ca,
                                                    const ValidationRules& rules, TimePoint now) {
  return {check_server_usage(certificate.get()),
          check_validity(certificate.get(), now),
          check_leads_to_root("CERTIFICATE_CHAIN", certificate.get(), ca, now),
          check_certificate_key(certificate.get(), rules.rsa_bits),
          check_root(ca, now),
          check_chain(ca, now)};
}

std::vector<Validation> validate_ca(const CaChain& ca, TimePoint now) {
  return {check_root(ca, now), check_chain(ca, now), check_ca_usage(ca)};
}

std::vector<Validation> validate_jws_key(std::string_view pem) { return {check_jws_key(pem)}; }

}  // namespace hubseal::agent
