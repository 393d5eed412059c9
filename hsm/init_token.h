#pragma once

#include <filesystem>
#include <string_view>

#include "common/result.h"
#include "common/secret_bytes.h"

namespace hubseal::hsm {

/// Initialises the first token that is not yet initialised: label, SO PIN and user PIN. A token that
/// is initialised is never touched, because C_InitToken destroys every key on it.
/// Threads: not while a Signer on the same module lives in this process.
/// Errors: bad_request (label of 1 to 32 bytes), conflict (a token has this label), not_found (no
/// slot with a fresh token; the message lists what is there), hsm_unavailable.
Result<> init_token(const std::filesystem::path& module, std::string_view label, const SecretBytes& so_pin,
                    const SecretBytes& pin);

}  // namespace hubseal::hsm
