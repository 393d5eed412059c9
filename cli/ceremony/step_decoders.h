#pragma once

#include "cli/ceremony/script.h"
#include "common/fields.h"

namespace hubseal::cli {

/// One [[step]]: the request that it stands for. Values are held to the daemon's rules as far as they can be known
/// here. Errors: bad_request, too_large.
Result<CeremonyStep> decode_step(Fields& fields);

/// Lower-case hexadecimal of a SHA-256. Errors: bad_request, naming the member.
Result<std::string> sha256_text(std::string text, std::string_view member);

}  // namespace hubseal::cli
