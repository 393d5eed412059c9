// Everything behind the sockets, on keys in memory. The first byte picks the peer, the rest is its line:
// the answer is one line of JSON, and no peer gets a CA certificate out of issue_certificate.
#include <nlohmann/json.hpp>

#include "common/x509/certificate.h"
#include "common/x509/pem.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/software_room.h"

using namespace hubseal;
using daemon::Role;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static test::SoftwareRoom room;
  static const bool made = (room.make_keys_and_ca(), true);
  MUST_HOLD(made);
  static const daemon::Peer peers[] = {
      room.peer(Role::agent),     room.peer(Role::jws),     room.peer(Role::admin),     room.peer(Role::audit),
      room.peer(Role::agent, {}), room.peer(Role::jws, {}), room.peer(Role::admin, {}), room.peer(Role::audit, {}),
  };
  if (size == 0) return 0;
  const daemon::Peer& peer = peers[data[0] % std::size(peers)];
  const std::string_view line = text_of(data + 1, size - 1);
  const auto request = wire::decode_request(line);
  // An RSA key takes a second to make, and says nothing here.
  if (line.find("rsa_") != std::string_view::npos) return 0;

  const std::string answer = room.dispatcher().handle(peer, line);
  MUST_HOLD(answer.find('\n') == std::string::npos);
  const auto reply = parse_json(answer, {.max_depth = 10, .max_members = 1024});
  MUST_HOLD(reply && (reply->contains("ok") != reply->contains("error")));
  if (reply->contains("error")) {
    MUST_HOLD((*reply)["error"]["code"] != "internal");
    return 0;
  }
  MUST_HOLD(request && peer.rule->permissions != 0);
  if (request->op == "issue_certificate") {
    const auto der = x509::der_of_pem((*reply)["ok"]["certificate"].get<std::string>(), {"CERTIFICATE"});
    MUST_HOLD(der);
    const auto certificate = x509::Certificate::parse_der(*der);
    MUST_HOLD(certificate && !certificate->is_ca() && !(certificate->key_usage() & KU_KEY_CERT_SIGN));
  }
  return 0;
}
