#include "agent/service/signing_daemon.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/fields.h"
#include "common/key_types.h"
#include "common/log.h"

namespace hubseal::agent {
namespace {

constexpr std::size_t kMaxPemBytes = 64 * 1024;
constexpr std::size_t kMaxChunk = 1 << 20;
constexpr std::size_t kMaxKeys = 16384;  // a line of the wire holds fewer
constexpr std::size_t kMaxNames = 1024;
constexpr std::size_t kSubjectsPerPage = 500;

/// Asks, and keeps the texts that name sockets and peers away from REST clients.
Result<Json> ask(wire::DaemonClient& client, std::string_view op, const Json& fields) {
  auto reply = client.call(op, fields);
  if (reply) return reply;
  const Error& error = reply.error();
  if (error.code == Code::hsm_unavailable || error.code == Code::storage_unavailable || error.code == Code::internal)
    log::warning("the signing daemon did not serve a request",
                 {{"op", std::string(op)}, {"code", std::string(to_string(error.code))}, {"problem", error.message}});
  if (error.code == Code::forbidden)
    return fail(Code::internal, fmt::format("hubseald refuses {} to this agent: {}; see [[peer]] in its configuration",
                                            op, error.message));
  // Only a CSR is somebody else's text; everything else in a request was built here.
  if (error.code == Code::bad_request && op != "issue_certificate")
    return fail(Code::internal, fmt::format("hubseald does not understand {}: {}", op, error.message));
  return reply;
}

Result<Fields> answer(const Json& reply) { return Fields::of(reply, "answer."); }

/// An answer that is not what docs/PROTOCOL.md promises is our fault, not the REST client's.
template <class T>
Result<T> ours(Result<T> value) {
  if (!value) return fail(Code::internal, "the signing daemon's answer: " + value.error().message);
  return value;
}

Result<SigningDaemon::Key> read_key(Fields& fields) {
  SigningDaemon::Key key;
  key.label = TRY(ours(fields.text("label", 64)));
  key.id = TRY(ours(fields.text("key_id", 64)));
  key.type = TRY(ours(fields.text("type", 32)));
  key.use = TRY(ours(fields.text("use", 32)));
  key.state = TRY(ours(fields.text("state", 32)));
  key.created_at = TRY(ours(parse_utc(TRY(ours(fields.text("created_at", 32))))));
  key.line = TRY(ours(fields.optional_text("line", 64))).value_or(key.label);
  key.successor = TRY(ours(fields.optional_text("successor", 64))).value_or("");
  key.shown = TRY(ours(fields.boolean_or("shown", false)));
  return key;
}

}  // namespace

Result<bool> SigningDaemon::ready() {
  const Json reply = TRY(ask(client_, "health", Json::object()));
  Fields fields = TRY(ours(answer(reply)));
  return TRY(ours(fields.text("status", 32))) == "ready";
}

Result<SigningDaemon::Offer> SigningDaemon::offer() {
  const Json health = TRY(ask(client_, "health", Json::object()));
  const Json version = TRY(ask(client_, "version", Json::object()));
  Fields of_health = TRY(ours(answer(health)));
  Fields of_version = TRY(ours(answer(version)));
  Offer offer;
  offer.cas = TRY(ours(of_health.text_list("cas", kMaxNames, 64)));
  offer.profiles = TRY(ours(of_version.text_list("profiles", kMaxNames, 64)));
  return offer;
}

Result<SigningDaemon::Ca> SigningDaemon::get_ca(std::string_view name) {
  const Json reply = TRY(ask(client_, "get_ca", {{"ca", name}}));
  Fields fields = TRY(ours(answer(reply)));
  const std::string state = TRY(ours(fields.text("state", 32)));
  // A retired one is trusted until it ends; one whose key is compromised is shown to nobody as something to trust.
  if (state != "active" && state != "retired") return Ca{.issues = false, .certificate = {}};
  std::string certificate = TRY(ours(fields.text("certificate", kMaxPemBytes)));
  std::string chain = TRY(ours(fields.optional_text("chain", kMaxChunk))).value_or("");
  return Ca{state == "active", std::move(certificate), std::move(chain)};
}

Result<SigningDaemon::Issued> SigningDaemon::issue_certificate(const IssueRequest& request) {
  const auto asked = ask(client_, "issue_certificate",
                         {{"ca", request.ca},
                          {"profile", request.profile},
                          {"subject", request.subject},
                          {"request", request.request},
                          {"csr", request.csr}});
  // Not what the caller has named is missing.
  if (!asked && asked.error().code == Code::not_found)
    return fail(Code::conflict,
                fmt::format("hubseald does not have the CA \"{}\" ([hub] ca of the agent's configuration): "
                            "it is made on the signing host (hubseal ca create)",
                            log::printable(request.ca, 64)));
  const Json reply = TRY(asked);
  Fields fields = TRY(ours(answer(reply)));
  Issued issued;
  issued.certificate = TRY(ours(fields.text("certificate", kMaxPemBytes)));
  issued.serial = TRY(ours(fields.text("serial", 64)));
  issued.state = TRY(ours(fields.text("state", 32)));
  return issued;
}

Result<> check_in_force(const SigningDaemon::Issued& issued) {
  if (issued.state == "issued") return {};
  if (issued.state == "on_hold")
    return fail(Code::policy_denied, fmt::format("certificate {}, which was issued for this, is on hold; wanted it "
                                                 "released, by the hub's security team",
                                                 issued.serial));
  return fail(Code::policy_denied,
              fmt::format("certificate {}, which was issued for this, is {} by now; wanted another "
                          "request, for another key",
                          issued.serial, log::printable(issued.state, 32)));
}

Result<std::string> SigningDaemon::create_csr(const std::string& label, const NewKey& key) {
  Json subject = Json::object();
  for (const auto& [attribute, value] : key.subject.entries()) subject[std::string(x509::to_string(attribute))] = value;
  const Json reply = TRY(ask(client_, "create_csr",
                             {{"label", label},
                              {"type", to_string(key.type)},
                              {"subject", std::move(subject)},
                              {"dns", key.names.dns()},
                              {"ip", key.names.ip()}}));
  Fields fields = TRY(ours(answer(reply)));
  return ours(fields.text("csr", kMaxPemBytes));
}

Result<SigningDaemon::PublicKey> SigningDaemon::get_public_key(const std::string& label) {
  const Json reply = TRY(ask(client_, "get_public_key", {{"key", label}}));
  Fields fields = TRY(ours(answer(reply)));
  Key key = TRY(read_key(fields));
  std::string pem = TRY(ours(fields.text("pem", kMaxPemBytes)));
  auto certificate = TRY(ours(fields.optional_text("certificate", kMaxPemBytes)));
  return PublicKey{std::move(key), std::move(pem), std::move(certificate)};
}

Result<std::string> SigningDaemon::token_label() {
  const Json reply = TRY(ask(client_, "health", Json::object()));
  Fields fields = TRY(ours(answer(reply)));
  auto token = TRY(ours(fields.optional_object("token")));
  if (!token) return std::string();
  if (!TRY(ours(token->boolean_or("ready", false)))) return fail(Code::hsm_unavailable, "the token is not there");
  const auto label = token->text("label", 64);  // a token may have none
  return label.value_or("");
}

Result<std::vector<SigningDaemon::Key>> SigningDaemon::list_keys() {
  const Json reply = TRY(ask(client_, "list_keys", Json::object()));
  Fields fields = TRY(ours(answer(reply)));
  std::vector<Key> keys;
  for (Fields& item : TRY(ours(fields.object_list("keys", kMaxKeys)))) keys.push_back(TRY(read_key(item)));
  return keys;
}

Result<std::optional<SigningDaemon::Key>> SigningDaemon::find_key(const EVP_PKEY* public_key) {
  const std::string id = hubseal::to_string(TRY(key_id_of(public_key)));
  for (Key& key : TRY(list_keys()))
    if (key.id == id) return std::move(key);
  return std::nullopt;
}

Result<SigningDaemon::IssuedRecord> SigningDaemon::get_certificate(const std::string& ca, const std::string& serial) {
  const Json reply = TRY(ask(client_, "get_certificate", {{"ca", ca}, {"serial", serial}}));
  Fields fields = TRY(ours(answer(reply)));
  IssuedRecord record;
  record.subject = TRY(ours(fields.text("subject", 64)));
  record.state = TRY(ours(fields.text("state", 32)));
  record.certificate = TRY(ours(fields.optional_text("certificate", kMaxPemBytes))).value_or("");
  return record;
}

Result<SigningDaemon::Approval> SigningDaemon::get_approval(const std::string& id) {
  const Json reply = TRY(ask(client_, "get_approval", {{"approval", id}}));
  Fields fields = TRY(ours(answer(reply)));
  Approval approval{.id = id, .state = {}, .needed = 0, .expires = {}};
  approval.state = TRY(ours(fields.text("state", 32)));
  approval.needed = TRY(ours(fields.integer("needed", 0, 1000)));
  approval.expires = TRY(ours(fields.text("expires_at", 32)));
  return approval;
}

Result<std::set<std::string>> SigningDaemon::inactive_subjects() {
  std::set<std::string> inactive;
  Json request = {{"limit", kSubjectsPerPage}};
  for (std::string after;;) {
    const Json reply = TRY(ask(client_, "list_subjects", request));
    Fields fields = TRY(ours(answer(reply)));
    for (Fields& item : TRY(ours(fields.object_list("subjects", kSubjectsPerPage)))) {
      std::string subject = TRY(ours(item.name("subject", 64)));
      if (TRY(ours(item.text("status", 32))) == "active") continue;
      std::transform(subject.begin(), subject.end(), subject.begin(), [](unsigned char c) { return std::tolower(c); });
      inactive.insert(std::move(subject));
    }
    const auto next = TRY(ours(fields.optional_text("next", 64)));
    if (!next) return inactive;
    // By id: what does not go on would go on for ever.
    if (*next <= after)
      return fail(Code::internal, "the signing daemon's answer: a page of participants that comes again");
    request["after"] = after = *next;
  }
}

Result<Bytes> SigningDaemon::get_crl(std::string_view ca) {
  Bytes crl;
  std::optional<std::int64_t> number;
  for (std::size_t offset = 0;;) {
    const Json reply = TRY(ask(client_, "get_crl", {{"ca", ca}, {"offset", offset}}));
    Fields fields = TRY(ours(answer(reply)));
    const std::int64_t of = TRY(ours(fields.integer("number", 1, INT64_MAX)));
    if (number && *number != of) return fail(Code::hsm_busy, "the CRL was replaced while it was read");
    number = of;
    const Bytes chunk = TRY(ours(from_base64(TRY(ours(fields.text("der", kMaxChunk))))));
    crl.insert(crl.end(), chunk.begin(), chunk.end());
    const auto next = static_cast<std::size_t>(TRY(ours(fields.integer_or("next", 0, INT64_MAX, 0))));
    if (next == 0) return crl;
    if (next != crl.size() || next <= offset)
      return fail(Code::internal, "the signing daemon's answer: a CRL with gaps");
    offset = next;
  }
}

Result<SigningDaemon::TrustBundle> SigningDaemon::get_trust_bundle() {
  const Json reply = TRY(ask(client_, "get_trust_bundle", Json::object()));
  Fields fields = TRY(ours(answer(reply)));
  TrustBundle bundle;
  for (const auto& [list, pem] :
       {std::pair("anchors", &bundle.anchors), std::pair("intermediates", &bundle.intermediates)})
    for (const std::string& one : TRY(ours(fields.text_list(list, 256, kMaxPemBytes)))) *pem += one;
  return bundle;
}

Result<Bytes> SigningDaemon::get_ocsp(ByteView request) {
  const Json reply = TRY(ask(client_, "get_ocsp", {{"request", to_base64(request)}}));
  Fields fields = TRY(ours(answer(reply)));
  return ours(from_base64(TRY(ours(fields.text("response", kMaxChunk)))));
}

}  // namespace hubseal::agent
