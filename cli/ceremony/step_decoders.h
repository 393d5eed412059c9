#pragma once

#include "cli/ceremony/script.h"
#include "common/fields.h"

namespace hubseal::cli {

/// One [[step]]: the request that it stands for. Values are held to the daemon's rules as far as they can be known
/// here. Errors: bad_request, too_large.
Result<CeremonyStep> decode_step(Fields& fields);

}  // namespace hubseal::cli
