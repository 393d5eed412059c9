// What participants send as text: root and chain of a CA, a server's certificate, a key for JWS, a proof that they have
// it. The first byte says which. Whatever can be read gets its verdicts, and an item is INVALID or says why it is not;
// a proof of anything but the one statement is refused.
#include <nlohmann/json.hpp>

#include "agent/service/certificate.h"
#include "agent/service/jws_key_proof.h"
#include "agent/service/public_key.h"
#include "agent/service/validation.h"
#include "agent/service/x509_info.h"
#include "tests/fuzz/fuzz.h"

using namespace hubseal;
using namespace hubseal::agent;

namespace {

const TimePoint kNow = parse_utc("2026-12-01T00:00:00Z").value();

void look_at(const std::vector<Validation>& validations) {
  const Json items = to_json(validations);
  bool invalid = false;
  for (const Json& item : items) {
    MUST_HOLD(item["performed"] == (item["result"] != "NOT_AVAILABLE"));
    invalid = invalid || item["result"] == "INVALID";
    MUST_HOLD(item["result"] == "VALID" || !item["message"].get<std::string>().empty());
  }
  MUST_HOLD((overall(validations) == Verdict::invalid) == invalid);
  (void)dump_json(items);
}

/// The first certificate as the root, what follows as what leads to it.
void look_at_ca(std::string_view text) {
  const std::size_t second = std::min(text.find("-----BEGIN", 1), text.size());
  const auto ca = CaChain::parse(text.substr(0, second), text.substr(second));
  if (!ca) return;
  MUST_HOLD(ca->intermediates.size() <= kMaxChainCertificates);
  look_at(validate_ca(*ca, kNow));
  if (ca->root) look_at(validate_server_certificate(*ca->root, *ca, {2048}, kNow));
  for (const Certificate& one : ca->intermediates) {
    (void)dump_json(certificate_info(one.get()));
    look_at(validate_server_certificate(one, *ca, {2048}, kNow));
  }
}

// The public half of the key that has signed the proof in the corpus.
constexpr std::string_view kKey =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeRjt8+4D384OPdpGHCpooqJy+3aw\n"
    "XpNyRyeqRt4WTBX3yaLV3csHxCSIcqfYjto34JJI3FKufZHL9J5DEJsyXw==\n"
    "-----END PUBLIC KEY-----\n";

void look_at_proof(std::string_view proof) {
  static const PkeyPtr key = parse_public_key(kKey).value();
  static const KeyId id = key_id_of(key.get()).value();
  const PossessionStatement statement{"hub", "bank1", id, "nonce"};
  const auto good = check_proof("proof", proof, key.get(), statement);
  MUST_HOLD(good || good.error().message.starts_with("proof: "));
  MUST_HOLD(!good || proof.find("." + to_base64url(as_bytes(to_text(statement))) + ".") != std::string_view::npos);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 'k')
    look_at(validate_jws_key(text));
  else if (data[0] == 'p')
    look_at_proof(text);
  else
    look_at_ca(text);
  return 0;
}
