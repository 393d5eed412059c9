#pragma once

#include <string>

namespace hubseal::test {

/// A CSR with an empty subject for a fresh P-256 key, as PEM: what the client that banks run sends.
/// Threads: share it freely.
std::string make_csr();

}  // namespace hubseal::test
