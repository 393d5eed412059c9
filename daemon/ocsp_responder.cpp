#include "daemon/ocsp_responder.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/log.h"
#include "daemon/registry/certificate_table.h"
#include "daemon/registry/revocation_table.h"

namespace hubseal::daemon {
namespace {

using ca::OcspFailure;

/// Of an answer, in words: for the log, and to tell whether one that is kept is still true.
std::string said_of(const ca::OcspAnswer& answer) {
  if (!answer.known) return "unknown";
  if (!answer.revoked) return "good";
  return fmt::format("revoked {} {}", format_utc(answer.revoked->at), ca::to_string(answer.revoked->reason));
}

OcspFailure failure_of(Code code) {
  switch (code) {
    case Code::bad_request:
    case Code::too_large: return OcspFailure::malformed_request;
    case Code::not_found: return OcspFailure::unauthorized;
    case Code::forbidden:
    case Code::conflict:
    case Code::policy_denied:
    case Code::approval_required:
    case Code::hsm_busy:
    case Code::rate_limited:
    case Code::hsm_unavailable:
    case Code::storage_unavailable:
    case Code::sealed: return OcspFailure::try_later;
    case Code::internal: return OcspFailure::internal_error;
  }
  return OcspFailure::internal_error;
}

}  // namespace

Result<Bytes> OcspResponder::respond(const Policy& policy, ByteView der, const Json& who) {
  auto request = ca::parse_ocsp_request(der);
  auto response = request ? answer(policy, *std::move(request), who) : Result<Bytes>(tl::unexpected(request.error()));
  if (response) return response;
  if (response.error().code == Code::internal) return response;
  log::info("OCSP request not answered", {{"reason", response.error().message}});
  return ca::ocsp_failure(failure_of(response.error().code));
}

/// Whoever has the key of a CA can certify a responder as well: nothing is good any more that this CA says.
bool OcspResponder::vouches(const Authority& authority) const {
  return !parts_.keyring.is_compromised(authority.record.key);
}

Result<std::shared_ptr<const Authority>> OcspResponder::issuer_of(const ca::OcspRequest& request) const {
  for (const std::string& name : parts_.authorities.names()) {
    auto authority = TRY(parts_.authorities.find(name));
    if (!authority->issuer || !vouches(*authority)) continue;
    const auto ours = [&](const ca::OcspCertId& id) { return names_issuer(id, authority->issuer->certificate()); };
    if (std::all_of(request.ids.begin(), request.ids.end(), ours)) return authority;
  }
  return fail(Code::not_found, "no CA of this hub issued all that is asked for");
}

Result<OcspResponder::Question> OcspResponder::look_up(ca::OcspRequest request) {
  Question question{.authority = TRY(issuer_of(request)), .request = std::move(request), .answers = {}, .said = {}};
  const std::string& ca = question.authority->record.name;
  TRY(parts_.registry.read([&](Database& database) -> Result<> {
    for (const ca::OcspCertId& id : question.request.ids) {
      ca::OcspAnswer answer{.id = id.der};
      const auto certificate = TRY(certificate_table::find(database, ca, id.serial.hex()));
      const auto revoked = TRY(revocation_table::find(database, ca, id.serial.hex()));
      // A revocation may have come with the CA, of a certificate that nobody here has seen.
      answer.known = certificate ? certificate->issued() : revoked.has_value();
      if (answer.known && revoked) answer.revoked = ca::RevokedEntry{id.serial, revoked->at, revoked->reason};
      question.answers.push_back(std::move(answer));
    }
    return {};
  }));
  for (const ca::OcspAnswer& answer : question.answers) question.said.append(said_of(answer)).append("\n");
  question.keeps = question.request.nonce.empty() && question.answers.size() == 1 && question.answers.front().known;
  return question;
}

Result<Bytes> OcspResponder::answer(const Policy& policy, ca::OcspRequest request, const Json& who) {
  const Question question = TRY(look_up(std::move(request)));
  const auto kept = TRY(find_kept(question));
  if (kept && TRY(parts_.clock.now_if_unmoved()) + kLeastLeft <= kept->until) return kept->response;
  auto response = sign_and_keep(policy, question, who);
  if (!response && kept) return kept->response;
  return response;
}

/// One that is still good and still true, by a delegate that is trusted now.
Result<std::optional<KeptAnswer>> OcspResponder::find_kept(const Question& question) {
  if (!question.keeps) return std::nullopt;
  auto kept = kept_.find(question.answers.front().id);
  if (!kept || kept->said != question.said || kept->until <= TRY(parts_.clock.now_if_unmoved())) return std::nullopt;
  const OcspDelegatePtr delegate = TRY(delegates_.in_use(*question.authority));
  if (!delegate || delegate->certificate.serial().hex() != kept->delegate) return std::nullopt;
  return kept;
}

/// Nothing is made in the token, signed or recorded for who is over the quota. Questions that anybody can ask for ever
/// have one of their own, so that they take nothing from the others.
Result<Bytes> OcspResponder::sign_and_keep(const Policy& policy, const Question& question, const Json& who) {
  constexpr int kAttempts = 2;
  const Authority& authority = *question.authority;
  const std::array uses = {Use{question.keeps ? QuotaKind::ocsp : QuotaKind::ocsp_once, authority.record.name}};
  TRY(parts_.quotas.take(policy.quotas, uses));
  const OcspDelegatePtr delegate = TRY(delegates_.find_or_make(policy, question.authority, who));
  // Making the delegate and waiting for the token take their time. No answer says good, and bears a date, that is later
  // than a revocation: what was signed is thrown away where the registry says something else by now.
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const Question now = TRY(look_up(question.request));
    Signed answer = TRY(sign(now, *delegate, who));
    if (TRY(look_up(question.request)).said != now.said) continue;
    if (now.keeps)
      kept_.keep({.ca = authority.record.name,
                  .id = now.request.ids.front(),
                  .response = answer.response,
                  .said = now.said,
                  .delegate = delegate->certificate.serial().hex(),
                  .renew_at = answer.at + (answer.until - answer.at) / 2,
                  .until = answer.until});
    return std::move(answer.response);
  }
  return fail(Code::hsm_busy, "what is asked for was changed while it was signed");
}

Result<OcspResponder::Signed> OcspResponder::sign(const Question& question, const OcspDelegate& delegate,
                                                  const Json& who) {
  const auto pass = TRY(parts_.gate.enter());
  const TimePoint now = TRY(parts_.clock.now_if_unmoved());
  // As on the list: nothing was revoked at a time that is yet to come, of a clock that was ahead then.
  std::vector<ca::OcspAnswer> answers = question.answers;
  for (ca::OcspAnswer& one : answers)
    if (one.revoked) one.revoked->at = std::min(one.revoked->at, now);
  const TimePoint until = std::min(now + (question.keeps ? kLife : kOnceLife), delegate.certificate.not_after());
  const ca::OcspDraft draft{delegate.certificate,
                            *question.authority->issuer,
                            ca::signature_algorithm(delegate.key.type, ca::Hash::sha256),
                            now,
                            until,
                            answers,
                            question.request.nonce};
  const Bytes tbs = TRY(ca::build_ocsp_tbs(draft));
  Bytes response = TRY(ca::close_ocsp(draft, tbs, TRY(parts_.signer.sign(delegate.key.id, draft.algorithm, tbs))));
  Json said = Json::array();
  for (std::size_t i = 0; i < question.answers.size(); ++i)
    said.push_back({{"serial", question.request.ids[i].serial.hex()}, {"status", said_of(answers[i])}});
  Json record = {{"event", "ocsp_response"},
                 {"ca", question.authority->record.name},
                 {"certificates", said},
                 {"key", delegate.key.label},
                 {"response_sha256", to_hex(sha256(response))}};
  record.update(who);
  TRY(parts_.audit.record(record));
  return Signed{now, until, std::move(response)};
}

std::chrono::milliseconds OcspResponder::renew_ahead(const Policy& policy) {
  const auto now = parts_.clock.now_if_unmoved();
  if (!now) return kTick;
  std::set<std::string> failed;  // CAs: what is in their way is in the way of all their answers
  for (const KeptAnswer& old : kept_.due(*now, kMostRenewed)) {
    if (failed.contains(old.ca)) continue;
    const auto question = look_up({.ids = {old.id}, .nonce = {}});
    const auto renewed = question ? sign_and_keep(policy, *question, {{"peer", "hubseald"}})
                                  : Result<Bytes>(tl::unexpected(question.error()));
    if (renewed) continue;
    failed.insert(old.ca);
    log::warning("OCSP answers are not renewed", {{"ca", old.ca}, {"reason", renewed.error().message}});
  }
  return kTick;
}

}  // namespace hubseal::daemon
