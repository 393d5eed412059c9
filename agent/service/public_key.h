#pragma once

#include <string_view>

#include "common/openssl.h"
#include "common/result.h"

namespace hubseal::agent {

/// The key in one PEM block "PUBLIC KEY" or "RSA PUBLIC KEY" (PKCS#1), as JWS libraries write them. Not yet judged.
/// Errors: bad_request, saying what was found.
Result<PkeyPtr> parse_public_key(std::string_view pem);

}  // namespace hubseal::agent
