#pragma once

#include <string>

#include "common/key_types.h"
#include "tests/bench/measure.h"
#include "tests/bench/server_process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_token.h"

namespace hubseal::bench {

/// `p11-kit server`: the token's own PKCS#11 over a Unix socket, for whoever may connect to it. It has a process for
/// each connection, and a client's process (p11-kit-client.so) has one connection, so each client is a process here.
/// Errors: throws with what a client was refused.
class P11KitServer {
 public:
  static bool installed();

  explicit P11KitServer(const test::TestToken& token);
  /// As RawToken::sign does it, from as many processes; CPU of the server's processes.
  Measurement sign(const std::string& key, KeyType type, unsigned connections, Seconds time) const;

 private:
  const test::TestToken& token_;
  const test::TempDir folder_;
  const std::string socket_;
  const ServerProcess server_;
};

}  // namespace hubseal::bench
