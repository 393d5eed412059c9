#include "daemon/issuance.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/ca/assemble.h"

namespace hubseal::daemon {
namespace {

/// One hash over all that a repeat must have in common with the first request. Each part is
/// preceded by its length, so that no two different requests run together into the same bytes.
Bytes content_hash(std::initializer_list<std::string_view> parts) {
  std::string content;
  for (const std::string_view part : parts) content.append(fmt::format("{}:", part.size())).append(part);
  const auto digest = sha256(as_bytes(content));
  return Bytes(digest.begin(), digest.end());
}

Result<> check_same(const CertificateRecord& known, const Bytes& hash) {
  if (known.content_hash == hash) return {};
  return fail(Code::conflict, fmt::format("request \"{}\" was used before for another content (serial {}); wanted a "
                                          "new request id",
                                          known.request, known.serial));
}

Json intent_record(const CertificateRecord& intent, const Json& who) {
  Json record = {{"event", "certificate_intent"},
                 {"ca", intent.ca},
                 {"serial", intent.serial},
                 {"profile", intent.profile},
                 {"subject", intent.subject},
                 {"request", intent.request},
                 {"tbs_sha256", to_hex(sha256(intent.tbs))}};
  record.update(who);
  return record;
}

}  // namespace

Result<CertificateRecord> Issuance::issue(const IssueRequest& request, const Json& who) {
  const auto authority = TRY(authorities_.find_active(request.ca));
  const ca::Issuer& issuer = *authority->issuer;
  const x509::Csr csr = TRY(x509::Csr::parse(request.csr));
  const Bytes hash = content_hash({request.ca, request.profile, request.subject, as_text(csr.der())});
  auto known = TRY(registry_.find_request(request.peer, request.request));
  if (known) {
    TRY(resume(*known, hash, who));
  } else {
    const ca::Profile* profile = profiles_.find(request.profile);
    if (!profile || profile->kind != ca::Kind::end_entity)
      return fail(Code::forbidden, fmt::format("there is no profile \"{}\" that this peer may use", request.profile));
    const x509::Serial serial = TRY(ca::new_serial());
    const TimePoint now = TRY(clock_.now());
    const ca::Prepared prepared = TRY(ca::prepare_certificate(
        issuer, {.profile = *profile, .csr = csr, .subject = request.subject, .serial = serial, .now = now}));
    known = TRY(reserve({.ca = request.ca,
                         .profile = request.profile,
                         .subject = request.subject,
                         .peer = request.peer,
                         .request = request.request,
                         .content_hash = hash},
                        prepared, who));
  }
  return finish(*std::move(known), issuer.key_id(), issuer.public_key());
}

Result<CertificateRecord> Issuance::issue_root(const std::string& peer, const std::string& ca, const KeyRecord& key,
                                               const ca::Profile& profile, const x509::DistinguishedName& subject,
                                               const Json& who) {
  const hsm::KeyInfo info = TRY(signer_.find_key(key.id));
  const PkeyPtr public_key = TRY(public_key_from_spki(info.spki));
  const Bytes hash = content_hash({ca, profile.name, subject.text(), as_text(info.spki)});
  const std::string request = "create-ca." + ca;
  auto known = TRY(registry_.find_request(peer, request));
  if (known) {
    TRY(resume(*known, hash, who));
  } else {
    const x509::Serial serial = TRY(ca::new_serial());
    const TimePoint now = TRY(clock_.now());
    const ca::Prepared prepared = TRY(
        ca::prepare_root({.profile = profile, .subject = subject, .spki = info.spki, .serial = serial, .now = now}));
    known = TRY(reserve(
        {.ca = ca, .profile = profile.name, .subject = ca, .peer = peer, .request = request, .content_hash = hash},
        prepared, who));
  }
  return finish(*std::move(known), key.id, public_key.get());
}

// Registry and audit log go to the disk side by side; nothing is signed before both are there.
Result<CertificateRecord> Issuance::reserve(CertificateRecord intent, const ca::Prepared& prepared, const Json& who) {
  intent.serial = prepared.serial.hex();
  intent.key_id = prepared.subject_key;
  intent.distinguished_name = prepared.subject.text();
  intent.not_before = prepared.not_before;
  intent.not_after = prepared.not_after;
  intent.tbs = prepared.tbs;
  intent.algorithm = prepared.algorithm;
  const auto recorded = audit_.begin(intent_record(intent, who));
  const auto reserved = registry_.reserve(intent, prepared.claims);
  TRY(recorded->wait());
  if (reserved) return intent;
  // The same request in two connections at once: the first one's intent is the one to finish.
  if (auto known = TRY(registry_.find_request(intent.peer, intent.request))) {
    TRY(resume(*known, intent.content_hash, who));
    return *std::move(known);
  }
  return tl::unexpected(reserved.error());
}

// The first attempt may have ended with its intent in the registry and not yet in the audit log.
Result<> Issuance::resume(const CertificateRecord& known, const Bytes& hash, const Json& who) {
  TRY(check_same(known, hash));
  if (known.issued()) return {};
  return audit_.record(intent_record(known, who));
}

Result<CertificateRecord> Issuance::finish(CertificateRecord intent, const KeyId& issuer_id, EVP_PKEY* issuer_key) {
  if (intent.issued()) return intent;
  const Bytes signature = TRY(signer_.sign(issuer_id, intent.algorithm, intent.tbs));
  Bytes certificate = TRY(ca::close_certificate(intent.tbs, intent.algorithm, signature, issuer_key));
  if (TRY(registry_.complete(intent.ca, intent.serial, certificate))) {
    intent.certificate = std::move(certificate);
    return intent;
  }
  // Another connection finished the same request first: ECDSA signatures differ, and only one may
  // ever be seen.
  auto first = TRY(registry_.find_certificate(intent.ca, intent.serial));
  if (!first || !first->issued()) return fail(Code::internal, "registry lost an issued certificate");
  return *std::move(first);
}

}  // namespace hubseal::daemon
