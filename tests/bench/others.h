/// What users would pick instead of hubseald, on the same machine.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/key_types.h"
#include "tests/bench/measure.h"

namespace hubseal::bench {

/// `cfssl serve` with the CA's key in a file: each CSR once. Nothing when cfssl is not installed.
std::optional<Measurement> cfssl_serve(KeyType type, const std::vector<std::string>& csrs, unsigned connections,
                                       Seconds time);

/// `openssl x509 -req`, a process for each certificate, the CA's key in a file: what a script does.
Measurement openssl_per_process(KeyType type, unsigned processes, Seconds time);

}  // namespace hubseal::bench
