#pragma once

#include <optional>

#include "agent/config.h"
#include "common/fields.h"

namespace hubseal::agent {

/// Section [auth]; nothing for mode "none".
Result<std::optional<OidcConfig>> read_auth(Fields fields);

}  // namespace hubseal::agent
