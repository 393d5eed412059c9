#pragma once

#include <openssl/x509.h>

namespace hubseal::x509 {

/// Whether a signature made this way proves anything today: RSA or ECDSA over SHA-256, SHA-384 or
/// SHA-512, named outright. What is not on this list is not sound, whatever libcrypto can verify.
/// RSASSA-PSS names its hash in parameters (RFC 4055 section 3.1); absent ones mean SHA-1.
/// Threads: share it freely. `algorithm` may be null.
bool is_sound_signature(const X509_ALGOR* algorithm);

}  // namespace hubseal::x509
