/// Public keys as the token stores them, turned into OpenSSL's.
#pragma once

#include <optional>

#include "common/openssl.h"
#include "hsm/object.h"

namespace hubseal::hsm {

/// From CKA_MODULUS and CKA_PUBLIC_EXPONENT, or from CKA_EC_PARAMS and CKA_EC_POINT, of a public key
/// or of a private key that shows them. nullopt where they are absent or of another kind.
Result<std::optional<PkeyPtr>> public_half_of(const Session& session, CK_OBJECT_HANDLE object);

/// From CKA_VALUE of an X.509 certificate; nullopt where it does not parse.
Result<std::optional<PkeyPtr>> public_half_of_certificate(const Session& session, CK_OBJECT_HANDLE object);

}  // namespace hubseal::hsm
