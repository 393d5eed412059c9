#pragma once

#include <string>

#include "common/result.h"

namespace hubseal::cli {

/// What to do next about a refusal, in one line; empty where the message itself says it.
std::string advice_for(const Error& error);

}  // namespace hubseal::cli
