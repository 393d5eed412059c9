#pragma once

#include <chrono>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "tests/support/fake_token.h"
#include "tests/support/run_command.h"
#include "tests/unit/hsm/open_signer.h"
#include "tests/unit/hsm/signer_checks.h"

namespace hubseal::hsm {

using std::chrono::milliseconds;

/// While a generation is opened or looks again, keys are asked for in five calls of C_FindObjects: the fourth gives the
/// private ones. The first `times` times the token shows one of them, and none of the others.
inline std::string shows_one_key(unsigned times) {
  std::string script;
  for (unsigned i = 0; i < times; ++i) script += fmt::format("claim C_FindObjects {} 1\n", 5 * i + 4);
  return script;
}

/// Two keys that have signed, and a token that shows one of them after it was lost.
struct OneIsMissing {
  std::chrono::steady_clock::time_point now;
  Open open{[this](TokenConfig& config) {
    config.retry_first = milliseconds(100);
    config.retry_last = milliseconds(5000);
    config.now = [this] { return now; };
  }};
  KeyInfo present = open.key, missing = generate_ok(*open.signer, KeyType::ec_p256, "other");

  void lose(unsigned times) {
    open.token.script("dead 0x32\n" + shows_one_key(times));
    if (!signs(*open.signer, present)) std::swap(present, missing);
    BOOST_REQUIRE(signs(*open.signer, present));
    BOOST_REQUIRE_EQUAL(open.signer->status().generation, 2U);
  }
  void somebody_else_destroys_it() {
    const auto& token = open.token.token();
    for (const char* kind : {"privkey", "pubkey"}) {
      const auto run = test::run_command({"pkcs11-tool", "--module", token.module(), "--token-label", "hub", "--login",
                                          "--pin", token.pin(), "--delete-object", "--type", kind, "--label", "other"});
      BOOST_REQUIRE_MESSAGE(run.exit_code == 0, run.output);
    }
  }
  Result<Bytes> sign_with_missing() {
    return open.signer->sign(missing.id, SignatureAlgorithm::ecdsa_sha256, as_bytes("x"));
  }
};

}  // namespace hubseal::hsm
