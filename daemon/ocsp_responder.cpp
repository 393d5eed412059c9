#include "daemon/ocsp_responder.h"

#include <array>

#include <fmt/format.h>
#include <openssl/rand.h>
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

/// A label for a key of our own: nobody chooses it, and it never comes twice.
std::string new_label() {
  std::array<std::uint8_t, 8> random{};
  RAND_bytes(random.data(), static_cast<int>(random.size()));
  return "hubseal-ocsp-" + to_hex(random);
}

}  // namespace

Result<Bytes> OcspResponder::respond(const Policy& policy, ByteView der, const Json& who) {
  const auto request = ca::parse_ocsp_request(der);
  auto response = request ? answer(policy, *request, who) : Result<Bytes>(tl::unexpected(request.error()));
  if (response) return response;
  if (response.error().code == Code::internal) return response;
  log::info("OCSP request not answered", {{"reason", response.error().message}});
  return ca::ocsp_failure(failure_of(response.error().code));
}

Result<std::shared_ptr<const Authority>> OcspResponder::issuer_of(const ca::OcspRequest& request) const {
  for (const std::string& name : parts_.authorities.names()) {
    auto authority = TRY(parts_.authorities.find(name));
    if (!authority->issuer) continue;
    const auto ours = [&](const ca::OcspCertId& id) { return names_issuer(id, authority->issuer->certificate()); };
    if (std::all_of(request.ids.begin(), request.ids.end(), ours)) return authority;
  }
  return fail(Code::not_found, "no CA of this hub issued all that is asked for");
}

Result<std::vector<ca::OcspAnswer>> OcspResponder::look_up(const std::string& ca, const ca::OcspRequest& request) {
  return parts_.registry.read([&](Database& database) -> Result<std::vector<ca::OcspAnswer>> {
    std::vector<ca::OcspAnswer> answers;
    for (const ca::OcspCertId& id : request.ids) {
      ca::OcspAnswer answer{.id = id.der};
      const auto certificate = TRY(certificate_table::find(database, ca, id.serial.hex()));
      answer.known = certificate && certificate->issued();
      if (const auto revoked = TRY(revocation_table::find(database, ca, id.serial.hex())); answer.known && revoked)
        answer.revoked = ca::RevokedEntry{id.serial, revoked->at, revoked->reason};
      answers.push_back(std::move(answer));
    }
    return answers;
  });
}

Result<Bytes> OcspResponder::answer(const Policy& policy, const ca::OcspRequest& request, const Json& who) {
  const auto authority = TRY(issuer_of(request));
  const std::vector<ca::OcspAnswer> answers = TRY(look_up(authority->record.name, request));
  const ResponderPtr responder = TRY(responder_of(policy, *authority, who));
  // Unknown serials are everybody's to invent: their answers are not kept.
  const bool keep = request.nonce.empty() && answers.size() == 1 && answers.front().known;
  const std::string said = said_of(answers.front()), serial = responder->certificate.serial().hex();
  if (keep) {
    auto kept = kept_.lock();
    const auto found = kept->find(answers.front().id);
    if (found != kept->end() && found->second.said == said && found->second.serial == serial &&
        TRY(parts_.clock.now_if_unmoved()) < found->second.until)
      return found->second.response;
  }
  const std::array uses = {Use{QuotaKind::ocsp, authority->record.name}};
  TRY(parts_.quotas.take(policy.quotas, uses));
  Bytes response = TRY(sign(*authority, *responder, request, answers, who));
  if (keep) {
    auto kept = kept_.lock();
    if (kept->size() >= kMaxKept) kept->clear();
    kept->insert_or_assign(answers.front().id,
                           Kept{response, said, serial, TRY(parts_.clock.now_if_unmoved()) + kLife / 2});
  }
  return response;
}

Result<Bytes> OcspResponder::sign(const Authority& authority, const Responder& responder,
                                  const ca::OcspRequest& request, const std::vector<ca::OcspAnswer>& answers,
                                  const Json& who) {
  const auto pass = TRY(parts_.gate.enter());
  const TimePoint now = TRY(parts_.clock.now_if_unmoved());
  const ca::OcspDraft draft{responder.certificate,
                            *authority.issuer,
                            ca::signature_algorithm(responder.key.type, ca::Hash::sha256),
                            now,
                            now + (request.nonce.empty() ? kLife : kNonceLife),
                            answers,
                            request.nonce};
  const Bytes tbs = TRY(ca::build_ocsp_tbs(draft));
  Bytes response = TRY(ca::close_ocsp(draft, tbs, TRY(parts_.signer.sign(responder.key.id, draft.algorithm, tbs))));
  Json said = Json::array();
  for (std::size_t i = 0; i < answers.size(); ++i)
    said.push_back({{"serial", request.ids[i].serial.hex()}, {"status", said_of(answers[i])}});
  Json record = {{"event", "ocsp_response"},
                 {"ca", authority.record.name},
                 {"certificates", said},
                 {"key", responder.key.label},
                 {"response_sha256", to_hex(sha256(response))}};
  record.update(who);
  TRY(parts_.audit.record(record));
  return response;
}

Result<OcspResponder::ResponderPtr> OcspResponder::responder_of(const Policy& policy, const Authority& authority,
                                                                const Json& who) {
  auto responders = responders_.lock();
  ResponderPtr& known = (*responders)[authority.record.name];
  if (!known) known = TRY(find_responder(authority));
  const TimePoint now = TRY(parts_.clock.now_if_unmoved());
  if (known && now < known->renew_at) return known;
  auto made = make_responder(policy, authority, who);
  if (made) {
    known = *made;
    if (const auto retired = retire_others(authority, *known); !retired)
      log::warning("old OCSP keys stay for now", {{"reason", retired.error().message}});
  }
  // The one that is there will do for the second half of its time.
  if (!made && known && now < known->certificate.not_after()) return known;
  return made;
}

/// What an earlier start has made.
Result<OcspResponder::ResponderPtr> OcspResponder::find_responder(const Authority& authority) {
  const TimePoint now = TRY(parts_.clock.now_if_unmoved());
  const auto newest = TRY(parts_.registry.read(
      [&](Database& database) { return certificate_table::latest(database, authority.record.name, kProfile, now); }));
  if (!newest || newest->not_after <= now) return nullptr;
  for (const Key& key : TRY(parts_.keyring.list()))
    if (key.record.use == KeyUse::ocsp && key.record.id == newest->key_id && key.record.life == KeyLife::active) {
      auto certificate = TRY(x509::Certificate::parse_der(newest->certificate));
      const TimePoint renew_at = newest->not_before + (newest->not_after - newest->not_before) / 2;
      return std::make_shared<const Responder>(Responder{key.record, std::move(certificate), renew_at});
    }
  return nullptr;
}

Result<OcspResponder::ResponderPtr> OcspResponder::make_responder(const Policy& policy, const Authority& authority,
                                                                  const Json& who) {
  const ca::Profile* profile = policy.profiles.find(kProfile);
  if (!profile || profile->kind != ca::Kind::ocsp_responder)
    return fail(Code::not_found, fmt::format("policy has no profile \"{}\": this hub answers no OCSP", kProfile));
  const auto pass = TRY(parts_.gate.enter());
  // Anybody may ask: nothing is made in the token before it is known that it can be certified.
  TRY(parts_.keyring.find(authority.record.key, KeyUse::ca));
  const KeyRecord key = TRY(find_or_make_key(authority, *profile, who));
  const std::string& label = key.label;
  const Issuance::Trail trail{.who = who,
                              .authorize = [](const ca::Prepared&) -> Result<Grant> { return Grant(); },
                              .record_result = [&](const CertificateRecord& issued) -> Result<> {
                                Json result = {{"event", "ocsp_responder_certified"},
                                               {"ca", issued.ca},
                                               {"key", label},
                                               {"serial", issued.serial},
                                               {"certificate_sha256", to_hex(sha256(issued.certificate))}};
                                result.update(who);
                                return parts_.audit.record(result);
                              }};
  const CertificateRecord issued = TRY(parts_.issuance.issue_responder(authority, key, *profile, trail));
  auto certificate = TRY(x509::Certificate::parse_der(issued.certificate));
  const TimePoint renew_at = issued.not_before + (issued.not_after - issued.not_before) / 2;
  return std::make_shared<const Responder>(Responder{key, std::move(certificate), renew_at});
}

/// One that an attempt left without a certificate is taken before another is made.
Result<KeyRecord> OcspResponder::find_or_make_key(const Authority& authority, const ca::Profile& profile,
                                                  const Json& who) {
  for (const Key& key : TRY(parts_.keyring.list())) {
    if (key.record.use != KeyUse::ocsp || key.record.life != KeyLife::active || !key.in_token) continue;
    const auto certificate = TRY(
        parts_.registry.read([&](Database& database) { return certificate_table::find_key(database, key.record.id); }));
    const bool ours = !certificate || (certificate->ca == authority.record.name && !certificate->issued());
    if (ours && profile.allows(key.record.type)) return key.record;
  }
  const std::string label = new_label();
  const KeyType type = profile.key_types.front();
  Json record = {{"event", "key_intent"}, {"key", label}, {"type", to_string(type)}, {"use", "ocsp"}};
  record.update(who);
  TRY(parts_.audit.record(record));
  return TRY(parts_.keyring.create(label, type, KeyUse::ocsp)).record;
}

/// Keys of this CA's earlier responders, and those that a crash left without a certificate.
Result<> OcspResponder::retire_others(const Authority& authority, const Responder& current) {
  const TimePoint at = TRY(parts_.clock.now_if_unmoved()) + kKeyGrace;
  for (const Key& key : TRY(parts_.keyring.list())) {
    if (key.record.use != KeyUse::ocsp || key.record.life != KeyLife::active || key.record.id == current.key.id)
      continue;
    const auto certificate = TRY(
        parts_.registry.read([&](Database& database) { return certificate_table::find_key(database, key.record.id); }));
    if (certificate && certificate->ca != authority.record.name) continue;
    TRY(parts_.keyring.retire_own(key.record.label, at));
  }
  return {};
}

}  // namespace hubseal::daemon
