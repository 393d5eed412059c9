// Any bytes as a token, as a set of keys, as a Cookie header, and as the claims of a token that the provider did sign.
// Nobody is recognised whom the provider did not sign for; who is, is so by this issuer, for this audience and in time.
#include <nlohmann/json.hpp>

#include "agent/auth/token_verifier.h"
#include "agent/http/cookies.h"
#include "common/bytes.h"
#include "common/jose/jwk.h"
#include "tests/fuzz/fuzz.h"

using namespace hubseal;
using namespace hubseal::agent::auth;

namespace {

constexpr std::int64_t kNow = 1800000000;

class Noon final : public Clock {
 public:
  TimePoint now() const override { return TimePoint(std::chrono::seconds(kNow)); }
};

struct Room {
  std::string sign(std::string_view claims) const {
    const std::string text = to_base64url(as_bytes(R"({"alg":"ES256"})")) + "." + to_base64url(as_bytes(claims));
    const MdContextPtr context(EVP_MD_CTX_new());
    Bytes der(128);
    std::size_t size = der.size();
    MUST_HOLD(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1);
    MUST_HOLD(EVP_DigestSign(context.get(), der.data(), &size, as_bytes(text).data(), text.size()) == 1);
    der.resize(size);
    return text + "." + to_base64url(ecdsa_der_to_raw(der, 32).value());
  }

  PkeyPtr key{EVP_EC_gen("P-256")};
  JwksCache keys{[this] { return JwkSet::parse(dump_json({{"keys", {jose::to_jwk(key.get()).value()}}})); }, {}};
  Noon clock;
  TokenVerifier verifier{{.issuer = "i", .audience = "a"}, keys, clock};
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Room room;
  const std::string_view text = text_of(data, size);
  MUST_HOLD(!room.verifier.verify(text));
  (void)JwkSet::parse(text);
  if (const auto cookie = agent::http::find_cookie(text, "a"))
    MUST_HOLD(text.find("a=" + *cookie) != std::string_view::npos);
  const auto identity = room.verifier.verify(room.sign(text));
  if (!identity) return 0;
  const Json claims = Json::parse(text);
  MUST_HOLD(claims["iss"] == "i" && !identity->subject.empty());
  MUST_HOLD(claims["exp"].get<double>() > kNow - 60);
  MUST_HOLD(claims["aud"] == "a" || claims["aud"].is_array());
  return 0;
}
