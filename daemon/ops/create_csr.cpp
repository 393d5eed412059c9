#include <nlohmann/json.hpp>

#include "daemon/ca/assemble.h"
#include "daemon/ca/prepare.h"
#include "daemon/dispatch.h"
#include "daemon/ops/new_key.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {
namespace {

struct CreateCsr {
  std::string label;
  KeyType type{};
  x509::DistinguishedName subject;
  x509::SubjectAltNames names;
};

Result<CreateCsr> decode(Fields& fields) {
  CreateCsr request;
  request.label = TRY(fields.name("label", kMaxName));
  request.type = TRY(fields.choice("type", kKeyTypes));
  request.subject = TRY(read_subject(TRY(fields.object("subject"))));
  const auto dns = TRY(fields.text_list("dns", x509::kMaxAltNames, 253));
  const auto ip = TRY(fields.text_list("ip", x509::kMaxAltNames, 45));
  request.names = TRY(x509::SubjectAltNames::of(dns, ip));
  TRY(fields.nothing_left());
  if (request.subject.empty() && request.names.empty())  // known before a key is made for it
    return fail(Code::bad_request, "a CSR needs a subject, or at least one DNS name or IP address");
  return request;
}

/// What the key signs to show that it is there for whoever certifies it (RFC 2986).
Result<Json> signed_csr(Call& call, const KeyRecord& key, ByteView spki, const x509::DistinguishedName& subject,
                        const x509::SubjectAltNames& names) {
  const ca::PreparedCsr prepared = TRY(ca::prepare_csr(subject, names, spki));
  const Bytes signature = TRY(call.services.signer.sign(key.id, prepared.algorithm, prepared.info));
  const x509::Csr csr = TRY(ca::assemble_csr(prepared.info, prepared.algorithm, signature));
  call.details["csr_sha256"] = to_hex(sha256(csr.der()));
  return Json{{"label", key.label}, {"key_id", to_hex(key.id)}, {"csr", csr.to_pem()}};
}

}  // namespace

Result<Json> create_csr(Call& call, Fields fields) {
  const CreateCsr request = TRY(decode(fields));
  call.details = {{"key", request.label},
                  {"type", to_string(request.type)},
                  {"distinguished_name", request.subject.text()},
                  {"dns", request.names.dns()},
                  {"ip", request.names.ip()}};
  const Action action = {.operation = "create_csr",
                         .about = request.label,
                         .content = {{"label", request.label},
                                     {"type", to_string(request.type)},
                                     {"distinguished_name", request.subject.text()},
                                     {"dns", request.names.dns()},
                                     {"ip", request.names.ip()}}};
  const Key key = TRY(make_key(call, {request.label, request.type, KeyUse::tls, {}}, action));
  TRY(call.enter_gate());
  TRY(call.services.keyring.find(request.label, KeyUse::tls));  // it may have been stopped before this call was inside
  return signed_csr(call, key.record, key.in_token->spki, request.subject, request.names);
}

// A key for TLS has signed its one CSR when it was made; one for certificates is a CA's.
Result<Json> csr_for_key(Call& call, Fields fields) {
  const std::string label = TRY(fields.name("key", kMaxName));
  const x509::DistinguishedName subject = TRY(read_subject(TRY(fields.object("subject"))));
  TRY(fields.nothing_left());
  if (subject.empty()) return fail(Code::bad_request, "\"subject\" is empty; wanted a distinguished name");
  call.details = {{"key", label}, {"distinguished_name", subject.text()}};
  const KeyRecord record = TRY(call.services.keyring.find(label, KeyUse::jws));
  TRY(call.spend({{QuotaKind::key, label}}));
  const Key key = TRY(call.services.keyring.show(label));
  if (!key.in_token) return fail(Code::hsm_unavailable, "key \"" + label + "\" is registered but not in the token");
  return signed_csr(call, record, key.in_token->spki, subject, {});
}

}  // namespace hubseal::daemon::ops
