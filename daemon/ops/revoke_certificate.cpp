#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/log.h"
#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"
#include "daemon/revocation.h"

namespace hubseal::daemon::ops {
namespace {

/// The list follows the revocation at once. Where it cannot be signed now the revocation stands all the same, the
/// housekeeper tries again, and the answer says so by lacking a number. Where no list comes any more it says that: no
/// verifier will learn of this from one.
void add_crl(Call& call, const std::string& ca, Json& view) {
  if (const auto authority = call.services.authorities.find(ca))
    if (const auto why = call.services.revocation.why_none(**authority)) {
      view["no_more_crls"] = *why;
      return;
    }
  if (const auto made = call.services.revocation.bring_up_to_date(ca); !made) {
    log::warning("a revocation is not in a CRL yet", {{"ca", ca}, {"reason", made.error().message}});
    return;
  }
  if (const auto crl = call.services.revocation.latest(ca)) view["crl_number"] = crl->number;
}

}  // namespace

Result<Json> revoke_certificate(Call& call, Fields fields) {
  const std::string ca = TRY(fields.name("ca", kMaxName));
  const std::string serial = TRY(x509::Serial::parse(TRY(fields.text("serial", 40)))).hex();
  const ca::RevocationReason reason = TRY(fields.choice("reason", ca::kRevocationReasons));
  TRY(fields.nothing_left());
  call.details = {{"ca", ca}, {"serial", serial}, {"reason", ca::to_string(reason)}};
  const CertificateRecord certificate = TRY(call.services.revocation.find(ca, serial));
  call.details["subject"] = certificate.subject;
  Json content = call.details;
  content["distinguished_name"] = certificate.distinguished_name;
  const Grant grant =
      TRY(call.authorize({.operation = "revoke_certificate", .about = certificate.subject, .content = content}));
  TRY(call.record_intent("revocation_intent"));
  const RevocationRecord revoked = TRY(call.services.revocation.revoke(certificate, reason, grant));
  Json view = {{"ca", ca},
               {"serial", serial},
               {"subject", certificate.subject},
               {"reason", ca::to_string(revoked.reason)},
               {"revoked_at", format_utc(revoked.at)}};
  add_crl(call, ca, view);
  return view;
}

Result<Json> release_certificate(Call& call, Fields fields) {
  const std::string ca = TRY(fields.name("ca", kMaxName));
  const std::string serial = TRY(x509::Serial::parse(TRY(fields.text("serial", 40)))).hex();
  TRY(fields.nothing_left());
  call.details = {{"ca", ca}, {"serial", serial}};
  const CertificateRecord certificate = TRY(call.services.revocation.find(ca, serial));
  call.details["subject"] = certificate.subject;
  TRY(call.services.revocation.check_release(certificate));
  Json content = call.details;
  content["distinguished_name"] = certificate.distinguished_name;
  content["revoked_at"] = format_utc(certificate.revoked_at);  // this hold, and not the next
  const Grant grant =
      TRY(call.authorize({.operation = "release_certificate", .about = certificate.subject, .content = content}));
  TRY(call.record_intent("release_intent"));
  TRY(call.services.revocation.release(certificate, grant));
  Json view = {{"ca", ca}, {"serial", serial}, {"subject", certificate.subject}};
  add_crl(call, ca, view);
  return view;
}

Result<Json> get_crl(Call& call, Fields fields) {
  constexpr std::size_t kChunk = 512 << 10;  // a line of the wire holds 1 MiB, of base64
  const std::string ca = TRY(fields.name("ca", kMaxName));
  const auto offset = static_cast<std::size_t>(TRY(fields.integer_or("offset", 0, INT64_MAX, 0)));
  TRY(fields.nothing_left());
  const CrlRecord crl = TRY(call.services.revocation.latest(ca));
  if (offset >= crl.der.size())
    return fail(Code::bad_request, fmt::format("offset {} of a CRL of {} bytes", offset, crl.der.size()));
  const ByteView chunk = ByteView(crl.der).subspan(offset, std::min(kChunk, crl.der.size() - offset));
  Json view = {{"ca", ca},
               {"number", crl.number},
               {"this_update", format_utc(crl.this_update)},
               {"next_update", format_utc(crl.next_update)},
               {"bytes", crl.der.size()},
               {"der", to_base64(chunk)}};
  if (offset + chunk.size() < crl.der.size()) view["next"] = offset + chunk.size();
  return view;
}

}  // namespace hubseal::daemon::ops
