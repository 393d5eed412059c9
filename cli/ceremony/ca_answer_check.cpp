#include "cli/ceremony/ca_answer_check.h"

#include <fmt/format.h>

#include "cli/session.h"
#include "common/x509/chain.h"
#include "common/x509/csr.h"

namespace hubseal::cli {
namespace {

/// The newest certificate that an earlier step answered for a CA; nothing for one that was there before.
std::optional<x509::Certificate> certificate_of(const ProvenStep& step, const std::string& ca) {
  const Transcript& transcript = step.transcript;
  for (std::size_t i = step.index; i-- > 0;) {
    const std::string& operation = transcript.script.steps[i].operation;
    if (transcript.script.steps[i].about != ca) continue;
    if (operation != "create_ca" && operation != "install_ca" && operation != "import_ca") continue;
    auto certificate = x509::Certificate::parse(text_of(transcript.done[i].reply, "certificate"));
    return certificate ? std::optional(*std::move(certificate)) : std::nullopt;
  }
  return std::nullopt;
}

/// The key that an earlier step made a CA for.
std::optional<std::string> key_of(const ProvenStep& step, const std::string& ca) {
  for (std::size_t i = step.index; i-- > 0;) {
    const CeremonyStep& before = step.transcript.script.steps[i];
    if (before.operation == "create_ca" && before.about == ca) return text_of(before.fields, "key");
  }
  return std::nullopt;
}

/// The certificate of the answer: the one that the record names.
Result<x509::Certificate> proven_certificate(const ProvenStep& step) {
  x509::Certificate certificate = TRY(x509::Certificate::parse(text_of(step.reply, "certificate")));
  TRY(must_hash_to(step, certificate.der(), "certificate_sha256"));
  TRY(must_be(step.reply, "serial", certificate.serial().hex()));
  return certificate;
}

Result<> check_root(const ProvenStep& step) {
  const x509::Certificate root = TRY(proven_certificate(step));
  if (root.issuer_der() != root.subject_der() || !root.is_ca() || !root.public_key())
    return wrong("the certificate is no self-signed CA's");
  TRY(root.verify(root.public_key()));
  TRY(check_own_key(step.transcript, text_of(step.request, "key"), to_hex(root.key_id())));
  TRY(same_as_record(step, {"serial"}));
  return check_name(step.request, root.subject());
}

/// That each of `chain` signed the one before it, the last one itself as well. The record says which one the last is.
Result<> check_path(x509::Certificate lowest, const std::vector<x509::Certificate>& chain) {
  for (const x509::Certificate& issuer : chain) {
    if (lowest.issuer_der() != issuer.subject_der() || !issuer.public_key())
      return wrong(fmt::format("{} is not below {}", lowest.subject(), issuer.subject()));
    TRY(lowest.verify(issuer.public_key()));
    lowest = issuer;
  }
  return lowest.verify(lowest.public_key());
}

/// Of a CA that somebody else has certified: the answer is what was brought in.
Result<> check_outside(const ProvenStep& step) {
  const x509::Certificate certificate = TRY(proven_certificate(step));
  TRY(same_as_record(step, {"serial"}));
  if (to_hex(certificate.key_id()) != text_of(step.record, "key_id"))
    return wrong("the certificate is for another key than the audit record says");
  if (!step.request.contains("chain")) return check_path(certificate, {certificate});
  const auto asked = TRY(x509::parse_chain(text_of(step.request, "chain")));
  if (TRY(x509::parse_chain(text_of(step.reply, "chain"))) != asked)
    return wrong("the chain of the answer is another one than was asked for");
  return check_path(certificate, asked);
}

}  // namespace

Result<> check_created_ca(const ProvenStep& step) {
  for (const char* member : {"ca", "key", "profile"}) TRY(must_be(step.reply, member, text_of(step.request, member)));
  if (text_of(step.request, "form") != "csr") return check_root(step);
  const x509::Csr csr = TRY(x509::Csr::parse(text_of(step.reply, "csr")));
  TRY(must_hash_to(step, csr.der(), "csr_sha256"));
  TRY(csr.verify_own_signature());
  TRY(check_own_key(step.transcript, text_of(step.request, "key"), to_string(csr.key_id())));
  return check_name(step.request, TRY(csr.subject()).text());
}

Result<> check_installed_ca(const ProvenStep& step) {
  TRY(must_be(step.reply, "ca", text_of(step.request, "ca")));
  if (const auto key = key_of(step, text_of(step.request, "ca"))) {
    TRY(must_be(step.reply, "key", *key));
    TRY(check_own_key(step.transcript, *key, text_of(step.record, "key_id")));
  }
  return check_outside(step);
}

Result<> check_imported_ca(const ProvenStep& step) {
  for (const char* member : {"ca", "key", "profile"}) TRY(must_be(step.reply, member, text_of(step.request, member)));
  return check_outside(step);
}

Result<> check_cross_certificate(const ProvenStep& step) {
  const std::string ca = text_of(step.request, "ca"), by = text_of(step.request, "by");
  TRY(must_be(step.reply, "ca", by));
  TRY(must_be(step.reply, "subject", ca));
  TRY(same_as_record(step, {"serial"}));
  const x509::Certificate cross = TRY(proven_certificate(step));
  const auto subject = certificate_of(step, ca), issuer = certificate_of(step, by);
  if (subject && (cross.key_id() != subject->key_id() || cross.subject_der() != subject->subject_der()))
    return wrong(fmt::format("the certificate is for another name or key than those of {}, made before", ca));
  if (!issuer) return {};
  if (cross.issuer_der() != issuer->subject_der() || !issuer->public_key())
    return wrong(fmt::format("the certificate is not by {}, made before", by));
  return cross.verify(issuer->public_key());
}

Result<> check_retired_ca(const ProvenStep& step) {
  const std::string ca = text_of(step.request, "ca");
  TRY(must_be(step.reply, "ca", ca));
  TRY(must_be(step.reply, "state", "retired"));
  const x509::Certificate certificate = TRY(proven_certificate(step));
  const auto made = certificate_of(step, ca);
  if (made && *made != certificate)
    return wrong(fmt::format("it is about another CA than the {} that was made before", ca));
  return {};
}

}  // namespace hubseal::cli
