/// What users would pick instead of hubseald for certificates, on the same machine.
#pragma once

#include <string>
#include <vector>

#include "common/key_types.h"
#include "tests/bench/measure.h"
#include "tests/bench/server_process.h"
#include "tests/support/temp_dir.h"

namespace hubseal::bench {

struct CaFiles {
  std::string key, certificate;
};

/// `cfssl serve` with the CA's key in a file: no token, nothing recorded, nothing verified.
class CfsslServe {
 public:
  static bool installed() { return is_installed("cfssl"); }

  explicit CfsslServe(KeyType ca);
  /// Each CSR once; ends early when the time is over.
  Measurement issue(const std::vector<std::string>& csrs, unsigned connections, Seconds time) const;

 private:
  const test::TempDir folder_;
  const CaFiles ca_;
  const unsigned port_;
  const ServerProcess server_;
};

/// `openssl x509 -req`, a process for each certificate, the CA's key in a file: what a script does.
Measurement openssl_per_process(KeyType type, unsigned processes, Seconds time);

}  // namespace hubseal::bench
