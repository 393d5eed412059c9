#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/jose/fspiop_signature.h"
#include "common/log.h"
#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/signing_key.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {
namespace {

constexpr std::size_t kMaxBody = 700 * 1024;  // base64url characters

struct Asked {
  std::string key;
  jose::FspiopMessage message;
  Bytes body;
};

Result<Asked> read(Fields& fields) {
  Asked asked;
  asked.key = TRY(fields.name("key", kMaxName));
  asked.message.method = TRY(fields.text("method", 16));
  asked.message.uri = TRY(jose::fspiop_uri(TRY(fields.text("uri", jose::kMaxFspiopUri))));
  asked.message.source = TRY(fields.text("source", kMaxName));
  asked.message.destination = TRY(fields.optional_text("destination", kMaxName)).value_or("");
  asked.message.date = TRY(fields.optional_text("date", kMaxName)).value_or("");
  for (Fields& header : TRY(fields.object_list("headers", jose::kMaxFspiopOthers))) {
    std::string name = TRY(header.text("name", kMaxName));
    std::string value = TRY(header.text("value", jose::kMaxFspiopValue));
    TRY(header.nothing_left());
    asked.message.others.emplace_back(std::move(name), std::move(value));
  }
  const auto body = from_base64url(TRY(fields.optional_text("body", kMaxBody)).value_or(""));
  if (!body) return fail(Code::bad_request, "\"body\" is not base64url without padding");
  asked.body = *body;
  TRY(fields.nothing_left());
  return asked;
}

/// What a service may say in the hub's name is what its entry says, and nothing that it can ask for.
Result<> check_rights(const Peer& peer, const Asked& asked) {
  if (!peer.may_send_as(asked.message.source))
    return fail(Code::forbidden,
                fmt::format("FSPIOP-Source \"{}\" is none that this peer may sign for (`sources` of [[peer]])",
                            log::printable(asked.message.source, kMaxName)));
  if (!peer.may_send(asked.message.method, asked.message.uri))
    return fail(Code::forbidden,
                fmt::format("{} {} is no message that this peer may have signed (`messages` of [[peer]])",
                            log::printable(asked.message.method, 16), log::printable(asked.message.uri, 128)));
  return {};
}

Result<jose::FspiopAlgorithm> fspiop_algorithm(const KeyRecord& key) {
  TRY(jose::check_fspiop_key(key.type));
  for (const auto& [word, algorithm] : jose::kFspiopAlgorithms)
    if (jose::signature_algorithm(algorithm) == jws::algorithm_of(key)) return algorithm;
  return fail(Code::internal, fmt::format("key \"{}\" has an algorithm that signs no message", key.label));
}

Json described(const Asked& asked) {
  Json details = {{"key", asked.key},
                  {"method", asked.message.method},
                  {"uri", asked.message.uri},
                  {"source", asked.message.source}};
  if (!asked.message.destination.empty()) details["destination"] = asked.message.destination;
  if (!asked.message.date.empty()) details["date"] = asked.message.date;
  for (const auto& [name, value] : asked.message.others) details["headers"][name] = value;
  details["body_sha256"] = to_hex(sha256(asked.body));
  return details;
}

}  // namespace

Result<Json> sign_fspiop(Call& call, Fields fields) {
  const Asked asked = TRY(read(fields));
  call.details = described(asked);
  TRY(check_rights(call.peer, asked));
  const KeyRecord key = TRY(signing_key(call, asked.key));
  const jose::FspiopAlgorithm algorithm = TRY(fspiop_algorithm(key));
  const std::string header = TRY(jose::protected_header(algorithm, asked.message));
  TRY(call.spend({{QuotaKind::key, key.label}}));
  // Signature first, then one record that must be durable before anything is released, as in sign_jws.
  if (!call.services.audit.writable()) TRY(call.record_intent("jws_intent"));
  const std::string input = jose::signing_input(header, as_text(asked.body));
  const Bytes signature = TRY(call.services.signer.sign(key.id, jose::signature_algorithm(algorithm), as_bytes(input)));
  Json headers = {{"FSPIOP-Signature", jose::signature_header(header, signature)},
                  {"FSPIOP-URI", asked.message.uri},
                  {"FSPIOP-HTTP-Method", asked.message.method}};
  return Json{{"headers", std::move(headers)}, {"key", key.label}, {"key_id", to_hex(key.id)}};
}

}  // namespace hubseal::daemon::ops
