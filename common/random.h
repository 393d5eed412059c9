#pragma once

#include <cstddef>
#include <string>

#include "common/bytes.h"
#include "common/result.h"

namespace hubseal {

/// A value that nobody can guess: 32 bytes of the system's generator, base64url (43 characters).
/// Errors: internal.
Result<std::string> random_secret();

}  // namespace hubseal
