#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "tests/support/fake_token.h"
#include "tests/unit/hsm/signer_checks.h"

namespace hubseal::hsm {

/// A token that is open and has a key that has signed.
struct Open {
  test::FakeToken token;
  TokenConfig config;
  std::unique_ptr<Signer> signer;
  KeyInfo key;

  explicit Open(const std::function<void(TokenConfig&)>& adjust = [](TokenConfig&) {}) {
    config = token.config();
    config.sessions = 2;
    // Long enough that no test depends on it: what is refused in the pause is refused at once.
    config.retry_first = config.retry_last = std::chrono::hours(1);
    adjust(config);
    reopen();
    key = generate_ok(*signer, KeyType::ec_p256, "jws");
    BOOST_REQUIRE(signs(*signer, key));
  }
  /// The same token as the next process finds it.
  void reopen() {
    signer.reset();
    signer = open_ok(config);
  }
  Result<Bytes> sign() { return signer->sign(key.id, SignatureAlgorithm::ecdsa_sha256, as_bytes("x")); }
};

inline void no_pause(TokenConfig& config) { config.retry_first = config.retry_last = std::chrono::milliseconds(0); }

}  // namespace hubseal::hsm
