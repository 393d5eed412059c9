#include "pkcs11/hub.h"

#include <cstdlib>

#include <nlohmann/json.hpp>

#include "common/fields.h"
#include "common/wire/daemon_client.h"
#include "common/x509/pem.h"

namespace hubseal::pkcs11 {
namespace {

constexpr std::chrono::seconds kPatience{10};
constexpr std::size_t kMaxLabel = 64, kMaxNumber = 1024;

/// Of a process that was given more rights than its caller has, the caller does not say where the keys are.
std::string socket_path() {
  const char* given = ::secure_getenv("HUBSEAL_TLS_SOCKET");
  return given && *given ? given : "/run/hubseal/tls.sock";
}

Result<Json> ask(std::string_view operation, const Json& fields) {
  return wire::DaemonClient(socket_path(), kPatience, 1).call(operation, fields);
}

Result<Bytes> number(Fields& jwk, std::string_view member) { return from_base64url(TRY(jwk.text(member, kMaxNumber))); }

Result<HubKey> read_key(Fields item) {
  HubKey key;
  key.label = TRY(item.name("label", kMaxLabel));
  key.id = TRY(from_hex(TRY(item.text("key_id", 64))));
  key.type = TRY(item.choice("type", kKeyTypes));
  key.generated = TRY(item.text("grade", kMaxLabel)) == "generated";
  Fields jwk = TRY(item.object("jwk"));
  if (is_rsa(key.type)) {
    key.modulus = TRY(number(jwk, "n"));
    key.exponent = TRY(number(jwk, "e"));
  } else {
    key.x = TRY(number(jwk, "x"));
    key.y = TRY(number(jwk, "y"));
  }
  if (const auto pem = TRY(item.optional_text("certificate", x509::kMaxPemBytes)))
    key.certificate = TRY(x509::der_of_pem(*pem, {"CERTIFICATE"}));
  return key;
}

}  // namespace

Result<std::string> token_label() {
  const Json answer = TRY(ask("list_tls_keys", Json::object()));
  Fields fields = TRY(Fields::of(answer));
  return fields.text("token", kMaxLabel);
}

Result<std::vector<HubKey>> list_keys() {
  std::vector<HubKey> keys;
  for (bool more = true; more;) {
    const Json answer = TRY(ask("list_tls_keys", keys.empty() ? Json::object() : Json{{"after", keys.back().label}}));
    Fields fields = TRY(Fields::of(answer));
    const std::size_t before = keys.size();
    for (Fields& item : TRY(fields.object_list("keys", kMostKeys))) keys.push_back(TRY(read_key(std::move(item))));
    more = TRY(fields.boolean_or("more", false)) && keys.size() > before;
    if (keys.size() > kMostKeys) return fail(Code::too_large, "there are too many keys for one token");
  }
  return keys;
}

Result<Bytes> sign(const std::string& label, std::string_view algorithm, ByteView digest) {
  const Json answer = TRY(ask("sign_tls", {{"key", label}, {"algorithm", algorithm}, {"digest", to_hex(digest)}}));
  Fields fields = TRY(Fields::of(answer));
  return from_base64url(TRY(fields.text("signature", kMaxNumber)));
}

}  // namespace hubseal::pkcs11
