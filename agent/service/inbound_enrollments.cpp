#include "agent/service/inbound_enrollments.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/service/certificate.h"
#include "agent/service/consent.h"
#include "agent/service/csr.h"
#include "agent/service/issued_certificate.h"
#include "agent/service/revocations.h"
#include "agent/service/signing_daemon.h"
#include "agent/service/x509_info.h"
#include "common/key_types.h"
#include "common/log.h"

namespace hubseal::agent {
namespace {

/// What the daemon knows this signing by. The number alone would do as long as this database lives;
/// with a piece of the CSR's hash a database that was lost and begun anew cannot ask for another CSR
/// under a number that the daemon remembers.
std::string request_id(const InboundEnrollments::Enrollment& enrollment, const Csr& csr) {
  return fmt::format("enrollment-{}-{:.16}", enrollment.id, to_hex(sha256(as_bytes(csr.canonical_pem()))));
}

/// Clients compare the CSR that comes back with the one they sent: it is kept byte for byte, unless it has
/// more white space than line ends of CR LF need.
const std::string& kept_text(const std::string& submitted, const std::string& canonical_pem) {
  const auto lines = static_cast<std::size_t>(std::count(canonical_pem.begin(), canonical_pem.end(), '\n'));
  return submitted.size() <= canonical_pem.size() + lines ? submitted : canonical_pem;
}

void set_verdicts(InboundEnrollments::Enrollment& enrollment, const std::vector<Validation>& validations) {
  enrollment.validations_json = dump_json(to_json(validations));
  enrollment.validation_state = to_string(overall(validations));
}

}  // namespace

Result<InboundEnrollments::Enrollment> InboundEnrollments::submit(const Caller& caller, std::string_view dfsp_id,
                                                                  const std::string& csr_text) {
  const Csr csr = TRY(Csr::parse(csr_text));
  if (auto existing = TRY(table_.find_open(dfsp_id, csr.canonical_pem()))) return *std::move(existing);
  Enrollment enrollment;
  enrollment.dfsp_id = dfsp_id;
  enrollment.csr = kept_text(csr_text, csr.canonical_pem());
  enrollment.csr_info_json = dump_json(participants_csr_info(csr.get()));
  set_verdicts(enrollment, validate_inbound(csr, nullptr, policy_.rules, clock_.now()));
  Enrollment stored = TRY(table_.add(std::move(enrollment), csr.canonical_pem(), clock_.now()));
  log::info("CSR loaded", {{"dfsp", stored.dfsp_id},
                           {"enrollment", std::to_string(stored.id)},
                           {"verdict", stored.validation_state},
                           {"correlation", caller.correlation_id}});
  return stored;
}

Result<std::vector<InboundEnrollments::Enrollment>> InboundEnrollments::list(std::string_view dfsp_id,
                                                                             std::optional<std::string_view> state,
                                                                             const Page& page) {
  auto found = TRY(table_.list(dfsp_id, state, page));
  for (Enrollment& enrollment : found) add_revocation(enrollment);
  return found;
}

void InboundEnrollments::add_revocation(Enrollment& enrollment) {
  if (enrollment.certificate)
    revocations_.add_to(*enrollment.certificate, enrollment.validations_json, enrollment.validation_state);
}

Result<InboundEnrollments::Enrollment> InboundEnrollments::get(std::string_view dfsp_id, std::int64_t id) {
  auto found = TRY(table_.find(dfsp_id, id));
  if (found) {
    add_revocation(*found);
    return *std::move(found);
  }
  return fail(Code::not_found, fmt::format("inbound enrollment {} of DFSP {} not found", id, dfsp_id));
}

Result<InboundEnrollments::Enrollment> InboundEnrollments::sign(const Caller& caller, std::string_view dfsp_id,
                                                                std::int64_t id) {
  Enrollment enrollment = TRY(get(dfsp_id, id));
  if (enrollment.state == store::kCertSigned) return enrollment;
  const Csr csr = TRY(Csr::parse(enrollment.csr));
  TRY(refuse_invalid(validate_inbound(csr, nullptr, policy_.rules, clock_.now()),
                     fmt::format("enrollment {} cannot be signed", id)));

  const std::string request = request_id(enrollment, csr);
  TRY(table_.note_signing_request(id, request));
  const auto issued =
      daemon_.issue_certificate({policy_.ca, policy_.profile, enrollment.dfsp_id, request, csr.canonical_pem()});
  if (!issued && issued.error().code == Code::approval_required)
    return wait_for_approval(std::move(enrollment), issued.error().approval);
  if (!issued) return tl::unexpected(issued.error());
  TRY(check_in_force(*issued));  // the answer before was lost, and people have revoked what nobody used

  Enrollment stored = TRY(complete(std::move(enrollment), csr, issued->certificate));
  log::info("certificate stored", {{"dfsp", stored.dfsp_id},
                                   {"enrollment", std::to_string(stored.id)},
                                   {"request", request},
                                   {"correlation", caller.correlation_id}});
  return stored;
}

// The daemon has recorded it and waits for people; what is known of that is kept for whoever looks.
Result<InboundEnrollments::Enrollment> InboundEnrollments::wait_for_approval(Enrollment enrollment,
                                                                             const std::string& approval) {
  enrollment.approval_json = waiting_json(daemon_, approval);
  TRY(table_.note_approval(enrollment.id, *enrollment.approval_json));
  log::info("enrollment waits for approval", {{"enrollment", std::to_string(enrollment.id)}, {"approval", approval}});
  return enrollment;
}

Result<InboundEnrollments::Enrollment> InboundEnrollments::follow_up(const Caller& caller, std::string_view dfsp_id,
                                                                     std::int64_t id) {
  Enrollment enrollment = TRY(get(dfsp_id, id));
  if (enrollment.state == store::kCertSigned || !enrollment.approval_json) return enrollment;
  if (!has_consent(daemon_, *enrollment.approval_json)) return enrollment;
  auto finished = sign(caller, dfsp_id, id);
  if (finished) return finished;
  log::warning("an approved enrollment could not be signed",
               {{"enrollment", std::to_string(id)}, {"problem", finished.error().message}});
  return enrollment;
}

Result<InboundEnrollments::Enrollment> InboundEnrollments::put_certificate(const Caller& caller,
                                                                           std::string_view dfsp_id, std::int64_t id,
                                                                           const std::string& pem) {
  Enrollment enrollment = TRY(get(dfsp_id, id));
  const Certificate certificate = TRY(Certificate::parse(pem));
  if (enrollment.certificate == pem) return enrollment;
  const Csr csr = TRY(Csr::parse(enrollment.csr));
  if (EVP_PKEY_eq(csr.key(), certificate.key()) != 1)
    return fail(Code::policy_denied,
                fmt::format("the certificate is for another key than the CSR of enrollment {}", enrollment.id));
  enrollment.certificate = pem;
  enrollment.cert_info_json = dump_json(certificate_info(certificate.get()));
  set_verdicts(enrollment, validate_inbound(csr, certificate, policy_.rules, clock_.now()));
  Enrollment stored = TRY(table_.store_certificate(enrollment, clock_.now()));
  if (stored.certificate != pem)
    return fail(Code::conflict, fmt::format("enrollment {} has another certificate, which is VALID; wanted a new "
                                            "enrollment for a new one",
                                            id));
  add_revocation(stored);
  log::info("certificate that was signed elsewhere stored", {{"dfsp", stored.dfsp_id},
                                                             {"enrollment", std::to_string(stored.id)},
                                                             {"verdict", stored.validation_state},
                                                             {"correlation", caller.correlation_id}});
  return stored;
}

Result<InboundEnrollments::Enrollment> InboundEnrollments::complete(Enrollment enrollment, const Csr& csr,
                                                                    std::string_view certificate_pem) {
  const IssuedCertificate certificate = TRY(IssuedCertificate::parse(certificate_pem));
  if (EVP_PKEY_eq(csr.key(), certificate.key()) != 1)
    return fail(Code::internal,
                fmt::format("the signing daemon's certificate for enrollment {} is for another key", enrollment.id));
  enrollment.certificate = certificate.pem();
  enrollment.cert_info_json = dump_json(certificate_info(certificate.get()));
  set_verdicts(enrollment, validate_inbound(csr, &certificate, policy_.rules, clock_.now()));
  Enrollment stored = TRY(table_.store_certificate(enrollment, clock_.now()));
  if (stored.certificate != enrollment.certificate)
    log::error("the signing daemon gave a second certificate; the first one is kept",
               {{"enrollment", std::to_string(stored.id)}});
  return stored;
}

}  // namespace hubseal::agent
