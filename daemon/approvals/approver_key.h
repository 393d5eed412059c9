#pragma once

#include <string_view>

#include "common/bytes.h"
#include "common/openssl.h"
#include "common/result.h"

namespace hubseal::daemon {

/// The public key of an approver: P-256 or Ed25519, which cards, security keys and openssl(1) have.
/// Errors: bad_request; policy_denied for other kinds of key.
Result<PkeyPtr> read_approver_key(ByteView spki);

/// Whether `signature` over `message` was made with the private half of such a key: ECDSA with SHA-256 in DER
/// (RFC 3279 section 2.2.3), or Ed25519 (RFC 8032), 64 bytes.
bool verify_with_approver_key(EVP_PKEY* key, ByteView message, ByteView signature);

}  // namespace hubseal::daemon
