#pragma once

#include "common/bytes.h"
#include "common/openssl.h"
#include "common/result.h"

namespace hubseal::x509 {

/// Reads a SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) strictly. A key has one encoding here: two
/// encodings would be two key ids, and a key that was certified before would not be known again
/// (PKI-8).
/// RSA keys (RFC 8017 appendix A.1.1) and points on P-256 and P-384 (RFC 5480) are taken apart by hand:
/// libcrypto sets up every decoder that it has for each key, which costs five times as much. It still
/// reads all other kinds, so that they can be refused by their names.
/// Errors: bad_request.
Result<PkeyPtr> public_key_from_spki(ByteView spki);

/// From its numbers, big-endian. Errors: bad_request.
Result<PkeyPtr> rsa_public_key(ByteView modulus, ByteView exponent);
/// A point that is not compressed: 04, x, y. `curve` is "P-256" or "P-384". Errors: bad_request (not on it, say).
Result<PkeyPtr> ec_public_key(const char* curve, ByteView point);

}  // namespace hubseal::x509
