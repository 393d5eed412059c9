// WebAuthn assertions, signed here because a fuzzer cannot sign. The first byte is the size of the authenticator
// data, which follows; the rest is the client data. What is accepted is about the statement, by a verified person.
#include <nlohmann/json.hpp>

#include "common/json.h"
#include "common/key_types.h"
#include "daemon/approvals/webauthn.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/software_signer.h"

using namespace hubseal;
using namespace hubseal::daemon;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const PkeyPtr key = test::make_key(KeyType::ec_p256);
  static const webauthn::RelyingParty party{.rp_id = "hub.example.com", .origin = "https://hub.example.com"};
  static const std::string statement = "hubseal-approval/v1\n";
  if (size == 0) return 0;
  const ByteView rest(data + 1, size - 1);
  const std::size_t split = std::min<std::size_t>(data[0], rest.size());
  webauthn::Assertion assertion{.authenticator_data = Bytes(rest.begin(), rest.begin() + static_cast<long>(split)),
                                .client_data = Bytes(rest.begin() + static_cast<long>(split), rest.end()),
                                .signature = {}};
  Bytes message = assertion.authenticator_data;
  const auto hash = sha256(assertion.client_data);
  message.insert(message.end(), hash.begin(), hash.end());
  assertion.signature = ecdsa_raw_to_der(test::sign_with(key.get(), SignatureAlgorithm::ecdsa_sha256, message)).value();

  const auto counter = webauthn::verify(assertion, party, key.get(), statement);
  if (!counter) {
    MUST_HOLD(counter.error().code == Code::bad_request || counter.error().code == Code::too_large);
    return 0;
  }
  const auto wanted = sha256(as_bytes(party.rp_id));
  MUST_HOLD(split == 37 && std::equal(wanted.begin(), wanted.end(), rest.begin()));
  MUST_HOLD((rest[32] & 0x05) == 0x05);
  const Json client = parse_json(as_text(assertion.client_data)).value();
  MUST_HOLD(client["type"] == "webauthn.get" && client["origin"] == party.origin);
  MUST_HOLD(client["challenge"] == to_base64url(sha256(as_bytes(statement))));
  // Nothing but these bytes is what was signed.
  assertion.client_data.push_back(' ');
  MUST_HOLD(!webauthn::verify(assertion, party, key.get(), statement));
  return 0;
}
