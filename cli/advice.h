#pragma once

#include <string_view>

#include "common/result.h"

namespace hubseal::cli {

/// What to do next about a refusal, in one line; empty where the message itself says it.
std::string_view advice_for(Code code);

}  // namespace hubseal::cli
