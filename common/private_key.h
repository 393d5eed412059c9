#pragma once

#include <optional>
#include <string>

#include "common/json.h"

namespace hubseal {

/// Where in `value` a member called "privateKey" stands, or a text (a member's name as well) with a private key in PEM:
/// ".a[1].privateKey", or "" for the whole of it. Nothing: nowhere.
std::optional<std::string> private_key_in(const Json& value);

}  // namespace hubseal
