#pragma once

#include <filesystem>
#include <string>

#include "common/key_types.h"
#include "tests/bench/measure.h"
#include "tests/bench/server_process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_token.h"

namespace hubseal::bench {

/// OpenSSH's ssh-agent with the keys of a token (`ssh-add -s`), asked in its own protocol (draft-miller-ssh-agent). It
/// signs one request after the other, through its ssh-pkcs11-helper.
/// Errors: throws with what was refused.
class SshAgent {
 public:
  static bool installed() { return is_installed("ssh-agent"); }

  explicit SshAgent(const test::TestToken& token);
  /// SHA-256 with RSA PKCS#1, or ECDSA over P-256, of `bytes` bytes; CPU of the agent and its helper.
  Measurement sign(const std::string& key, KeyType type, std::size_t bytes, unsigned connections, Seconds time) const;

 private:
  std::string ask(const std::string& request) const;
  std::string public_key_of(const std::string& key, std::string_view kind) const;

  const test::TempDir folder_;
  const std::string socket_;
  const ServerProcess server_;
};

}  // namespace hubseal::bench
