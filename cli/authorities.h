#pragma once

#include <string>

#include "cli/session.h"

namespace hubseal::cli {

/// Every CA as `get_ca` tells it, by name. Errors: those of the calls.
Result<Json> fetch_cas(const Session& session);

/// A line for each CA.
std::string render_cas(const Json& cas);

}  // namespace hubseal::cli
