#include "agent/service/outbound_enrollments.h"

#include <algorithm>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "agent/service/certificate.h"
#include "agent/service/csr.h"
#include "agent/service/dfsp_cas.h"
#include "agent/service/hub_server_certs.h"
#include "agent/service/x509_info.h"
#include "common/bytes.h"
#include "common/key_types.h"
#include "common/log.h"

namespace hubseal::agent {
namespace {

constexpr std::size_t kMaxLabelBytes = 64;

/// The number alone would do as long as this database lives; with a hash over the time, one that was lost and begun
/// anew does not ask for a label that the token knows. A long name of a DFSP is cut.
std::string key_label(std::string_view dfsp_id, std::int64_t id, TimePoint now) {
  const std::string unique = fmt::format("{}/{}/{}", dfsp_id, id, format_utc(now));
  const std::string end = fmt::format("-{}-{:.8}", id, to_hex(sha256(as_bytes(unique))));
  std::string label = fmt::format("hub-client-{}", dfsp_id);
  label.resize(std::min(label.size(), kMaxLabelBytes - end.size()));
  return label + end;
}

}  // namespace

struct OutboundEnrollments::Judgement {
  std::vector<Validation> validations;
  /// Beyond VALID: that no CA was there to compare with is no proof, and a server's or a CA's certificate is none for a
  /// client.
  bool good_for_use = false;

  void note_in(Enrollment& enrollment) const {
    enrollment.validations_json = dump_json(to_json(validations));
    enrollment.validation_state = to_string(overall(validations));
  }
};

Result<> OutboundEnrollments::confirm(const Wish& wish) const {
  if (!policy_.key) return {};
  const x509::DistinguishedName& subject = policy_.key->subject;
  std::vector<std::string> names = policy_.key->names.dns();
  names.insert(names.end(), policy_.key->names.ip().begin(), policy_.key->names.ip().end());
  const auto is_in_subject = [&](const auto& wanted) {
    return std::any_of(subject.entries().begin(), subject.entries().end(), [&](const auto& entry) {
      return x509::short_name(entry.first) == wanted.first && entry.second == wanted.second;
    });
  };
  const auto is_in_names = [&](const std::string& wanted) {
    return std::find(names.begin(), names.end(), wanted) != names.end();
  };
  if (std::all_of(wish.subject.begin(), wish.subject.end(), is_in_subject) &&
      std::all_of(wish.names.begin(), wish.names.end(), is_in_names))
    return {};
  return fail(
      Code::bad_request,
      fmt::format("the hub's CSRs say what [client_key] of the agent's configuration says: subject \"{}\", names "
                  "{}. Wanted the same or no names at all: the certificate speaks for the hub, and its names are "
                  "not the choice of whoever asks for a key",
                  subject.text(), names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
}

Result<OutboundEnrollments::Enrollment> OutboundEnrollments::create(const Caller& caller, std::string_view dfsp_id) {
  if (!policy_.key)
    return fail(Code::conflict,
                "this hub makes no client keys: wanted a section [client_key] in the agent's configuration");
  const TimePoint now = clock_.now();
  Enrollment enrollment = TRY(table_.reserve(
      dfsp_id, [&](std::int64_t id) { return key_label(dfsp_id, id, now); }, now));
  const auto made = daemon_.create_csr(enrollment.key_label, *policy_.key);
  const auto csr = made ? Csr::parse(*made) : tl::unexpected(made.error());
  if (!csr) {
    TRY(table_.release(enrollment.id));
    if (!made) return tl::unexpected(made.error());
    return fail(Code::internal, "the signing daemon's answer: " + csr.error().message);
  }
  enrollment.csr = *made;
  enrollment.csr_info_json = dump_json(csr_info(csr->get()));
  TRY(table_.store_csr(enrollment));
  log::info("client key of the hub made", {{"dfsp", enrollment.dfsp_id},
                                           {"enrollment", std::to_string(enrollment.id)},
                                           {"key", enrollment.key_label},
                                           {"correlation", caller.correlation_id}});
  return enrollment;
}

Result<std::string> OutboundEnrollments::label_of(const Csr& csr) {
  auto key = TRY(daemon_.find_key(csr.key()));
  if (!key || key->use != "tls" || key->state != "active")
    return fail(
        Code::policy_denied,
        "the CSR's key is none of the hub's in its HSM; wanted one that was made there for TLS, and is active: on "
        "the signing host, hubseal csr create");
  // The database knows those that servers have shown; these were made for one, whether any did.
  if (key->label.starts_with(kServerKeyPrefix))
    return fail(Code::conflict,
                fmt::format("the key \"{}\" is the hub's server's; wanted another for the client", key->label));
  return std::move(key->label);
}

Result<OutboundEnrollments::Enrollment> OutboundEnrollments::bring_csr(const Caller& caller, std::string_view dfsp_id,
                                                                       const std::string& text) {
  const Csr csr = TRY(Csr::parse(text));
  TRY(refuse_invalid(validate_outbound(csr, nullptr, {}, policy_.rules, clock_.now()), "the CSR cannot be used"));
  Enrollment enrollment;
  enrollment.dfsp_id = dfsp_id;
  enrollment.key_label = TRY(label_of(csr));
  enrollment.csr = text;
  enrollment.csr_info_json = dump_json(csr_info(csr.get()));
  const Enrollment stored = TRY(table_.add(enrollment, clock_.now()));
  const Csr known = TRY(Csr::parse(stored.csr));
  if (stored.dfsp_id != dfsp_id || known.canonical_pem() != csr.canonical_pem())
    return fail(Code::conflict,
                fmt::format("the key \"{}\" has an enrollment already; wanted a key for each", enrollment.key_label));
  log::info("CSR of the hub brought", {{"dfsp", stored.dfsp_id},
                                       {"enrollment", std::to_string(stored.id)},
                                       {"key", stored.key_label},
                                       {"correlation", caller.correlation_id}});
  return stored;
}

Result<std::vector<OutboundEnrollments::Enrollment>> OutboundEnrollments::list(std::string_view dfsp_id,
                                                                               std::optional<std::string_view> state,
                                                                               const Page& page) {
  return table_.list(dfsp_id, state, page);
}

Result<OutboundEnrollments::Enrollment> OutboundEnrollments::get(std::string_view dfsp_id, std::int64_t id) {
  auto found = TRY(table_.find(dfsp_id, id));
  if (found) return *std::move(found);
  return fail(Code::not_found, fmt::format("outbound enrollment {} of DFSP {} not found", id, dfsp_id));
}

Result<OutboundEnrollments::Judgement> OutboundEnrollments::judge(const Enrollment& enrollment,
                                                                  const std::optional<std::string>& certificate) {
  const Csr csr = TRY(Csr::parse(enrollment.csr));
  const CaChain ca = TRY(dfsp_cas_.chain(enrollment.dfsp_id));
  if (!certificate) return Judgement{validate_outbound(csr, nullptr, ca, policy_.rules, clock_.now())};
  const Certificate parsed = TRY(Certificate::parse(*certificate));
  Judgement judgement{validate_outbound(csr, &parsed, ca, policy_.rules, clock_.now())};
  const auto& validations = judgement.validations;
  judgement.good_for_use = overall(validations) == Verdict::valid && validations.back().verdict == Verdict::valid &&
                           is_for_tls_clients(parsed);
  return judgement;
}

Result<OutboundEnrollments::Enrollment> OutboundEnrollments::put_certificate(const Caller& caller,
                                                                             std::string_view dfsp_id, std::int64_t id,
                                                                             const std::string& pem) {
  Enrollment enrollment = TRY(get(dfsp_id, id));
  const Certificate certificate = TRY(Certificate::parse(pem));
  const Enrollment before = enrollment;
  enrollment.state = "CERT_SIGNED";
  enrollment.certificate = pem;
  enrollment.cert_info_json = dump_json(certificate_info(certificate.get()));
  const Judgement judgement = TRY(judge(enrollment, enrollment.certificate));
  judgement.note_in(enrollment);
  const bool same_verdicts = before.validations_json == enrollment.validations_json;
  if (before.certificate == pem && same_verdicts) return enrollment;
  TRY(table_.store_certificate(enrollment, judgement.good_for_use, clock_.now()));
  // Connectors sign the same CSR again every minute, for ever: only what is news is for the log.
  if (!same_verdicts)
    log::info("certificate of a DFSP for the hub stored", {{"dfsp", enrollment.dfsp_id},
                                                           {"enrollment", std::to_string(id)},
                                                           {"verdict", *enrollment.validation_state},
                                                           {"usable", judgement.good_for_use ? "yes" : "no"},
                                                           {"correlation", caller.correlation_id}});
  return enrollment;
}

Result<OutboundEnrollments::Enrollment> OutboundEnrollments::validate(std::string_view dfsp_id, std::int64_t id) {
  Enrollment enrollment = TRY(get(dfsp_id, id));
  const Judgement judgement = TRY(judge(enrollment, enrollment.certificate));
  const auto before = enrollment.validations_json;
  judgement.note_in(enrollment);
  if (before != enrollment.validations_json) TRY(table_.store_verdicts(enrollment, judgement.good_for_use));
  return enrollment;
}

Result<std::optional<OutboundEnrollments::Enrollment>> OutboundEnrollments::in_use(std::string_view dfsp_id) {
  for (Enrollment& enrollment : TRY(table_.usable(dfsp_id)))
    if (TRY(judge(enrollment, enrollment.usable_certificate)).good_for_use) return std::move(enrollment);
  return std::nullopt;
}

}  // namespace hubseal::agent
