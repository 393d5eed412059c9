#include "agent/service/jws_certificates.h"

#include <iterator>

#include <fmt/format.h>
#include <openssl/x509v3.h>
#include <nlohmann/json.hpp>

#include "agent/service/certificate.h"
#include "agent/service/dfsp_cas.h"
#include "agent/service/issued_certificate.h"
#include "agent/service/revocations.h"
#include "agent/service/signing_daemon.h"
#include "agent/service/validation_checks.h"
#include "agent/service/x509_info.h"
#include "agent/store/dfsp_table.h"
#include "common/jose/fspiop_signature.h"
#include "common/key_types.h"
#include "common/log.h"

namespace hubseal::agent {
namespace {

constexpr std::string_view kWhat = "certificate";

tl::unexpected<Error> refuse(std::string_view why) {
  return fail(Code::policy_denied, fmt::format("{}: {}", kWhat, why));
}

/// PKI-3: for signatures, and neither for TLS nor for anything else.
Validation check_signature_usage(X509* certificate) {
  const std::uint32_t flags = X509_get_extension_flags(certificate);
  const std::uint32_t usage = X509_get_key_usage(certificate);  // all bits where there is none
  constexpr std::uint32_t kAllowed = KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION;
  const bool good = (flags & EXFLAG_INVALID) == 0 && (usage & KU_DIGITAL_SIGNATURE) != 0 && (usage & ~kAllowed) == 0 &&
                    (flags & EXFLAG_XKUSAGE) == 0 && X509_check_ca(certificate) == 0;
  return judge("CERTIFICATE_USAGE_SIGNATURE", good,
               good ? "The certificate is for signatures."
                    : "The certificate is not for signatures alone; wanted a keyUsage of digitalSignature, no "
                      "extendedKeyUsage (TLS certificates have one), and no CA's certificate.");
}

Result<> check_own_name(std::string_view dfsp_id, const Certificate& certificate) {
  const Json name = name_info(X509_get_subject_name(certificate.get()));
  const std::string common_name = name.contains("CN") ? name["CN"].get<std::string>() : "";
  if (store::folded(common_name) == store::folded(dfsp_id)) return {};
  return refuse(fmt::format("it names \"{}\" (CN); wanted \"{}\"", log::printable(common_name, 64), dfsp_id));
}

}  // namespace

Result<JwsCertificates::Judged> JwsCertificates::judge(std::string_view dfsp_id, std::string_view pem,
                                                       std::string_view intermediates) {
  const auto parsed = Certificate::parse(pem);
  if (!parsed) return fail(parsed.error().code, fmt::format("{}: {}", kWhat, parsed.error().message));
  const Certificate& certificate = *parsed;
  CaChain sent = TRY(CaChain::parse("", intermediates));  // all of it is published, whoever has issued the certificate
  if (const auto fit = jose::fspiop_key_type(certificate.key()); !fit) return refuse(fit.error().message);
  Judged judged;
  judged.public_key = TRY(public_key_pem(certificate.key()));
  judged.validations = {check_jws_key(judged.public_key), check_validity(certificate.get(), clock_.now()),
                        check_certificate_algorithm(certificate.get()), check_signature_usage(certificate.get())};
  TRY(refuse_invalid(judged.validations, kWhat));
  if (const auto state = revocations_.state_of(pem); state != Revocations::State::in_force)
    return refuse("the hub's CA has revoked it, or put it on hold");
  const auto of_hub_ca = is_of_hub_ca(dfsp_id, certificate);
  // Whether it is another CA's can be seen here, also where hubseald cannot be asked.
  if (!of_hub_ca && of_hub_ca.error().code == Code::policy_denied) return tl::unexpected(of_hub_ca.error());
  judged.of_hub_ca = of_hub_ca.value_or(false);
  if (judged.of_hub_ca) return judged;
  judged.validations.push_back(TRY(lead_to_own_ca(dfsp_id, certificate, std::move(sent))));
  if (judged.validations.back().verdict != Verdict::valid) {
    if (!of_hub_ca) return tl::unexpected(of_hub_ca.error());
    return refuse(fmt::format("it is neither one that the hub's CA has issued nor one of the CA of DFSP {}: {}",
                              dfsp_id, judged.validations.back().message));
  }
  TRY(check_own_name(dfsp_id, certificate));
  return judged;
}

// Its register knows whose it is, and whether it is in force, to the moment.
Result<bool> JwsCertificates::is_of_hub_ca(std::string_view dfsp_id, const Certificate& certificate) {
  const auto record = TRY(issued_record(daemon_, ca_, certificate));
  if (!record) return false;
  if (record->subject != dfsp_id) return refuse(fmt::format("the hub's CA has issued it for another than {}", dfsp_id));
  if (record->state != "issued")
    return refuse(fmt::format("the hub's CA has issued it, and it is {} by now", log::printable(record->state, 32)));
  return true;
}

Result<Validation> JwsCertificates::lead_to_own_ca(std::string_view dfsp_id, const Certificate& certificate,
                                                   CaChain sent) {
  constexpr std::string_view kCode = "CERTIFICATE_SIGNED_BY_DFSP_CA";
  CaChain ca = TRY(dfsp_cas_.chain(dfsp_id));
  if (ca.empty()) return agent::judge(std::string(kCode), false, "The DFSP has not told which CA it has.");
  for (const Validation& one : validate_ca(ca, clock_.now()))
    if (one.verdict == Verdict::invalid)
      return agent::judge(std::string(kCode), false, fmt::format("The DFSP's CA is not valid: {}", one.message));
  std::move(sent.intermediates.begin(), sent.intermediates.end(), std::back_inserter(ca.intermediates));
  return check_leads_to_root(std::string(kCode), certificate.get(), ca, clock_.now());
}

// A CRL is read every ten seconds, and not at all while hubseald is away: long enough for whoever has the key to have
// it sign for another. The CRLs are also those of CAs that were replaced.
Result<bool> JwsCertificates::is_stopped(const store::JwsKey& key) {
  if (!key.certificate) return false;
  if (revocations_.state_of(*key.certificate) != Revocations::State::in_force) return true;
  const auto record = TRY(issued_record(daemon_, ca_, TRY(Certificate::parse(*key.certificate))));
  return record && record->state != "issued";
}

bool JwsCertificates::has_ended(const store::JwsKey& key) {
  if (!key.certificate) return false;
  const auto certificate = Certificate::parse(*key.certificate);
  return certificate && check_validity(certificate->get(), clock_.now()).verdict == Verdict::invalid &&
         revocations_.state_of(*key.certificate) == Revocations::State::in_force;
}

void JwsCertificates::add_to(store::JwsKey& key) {
  if (!key.certificate) return;
  const auto certificate = Certificate::parse(*key.certificate);
  if (const Validation now = certificate ? check_validity(certificate->get(), clock_.now())
                                         : agent::judge("CERTIFICATE_VALIDITY", false, certificate.error().message);
      now.verdict == Verdict::invalid) {
    Json validations = Json::parse(key.validations_json);
    for (Json& one : validations)
      if (one["validationCode"] == now.code) one = to_json(std::vector{now}).front();
    key.validations_json = dump_json(validations);
    key.validation_state = to_string(Verdict::invalid);
  }
  revocations_.add_to(*key.certificate, key.validations_json, key.validation_state);
}

}  // namespace hubseal::agent
