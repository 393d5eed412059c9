#pragma once

#include <string>

#include "cli/ceremony/script.h"

namespace hubseal::cli {

/// What people compare of a step's answer: SHA-256 of the certificate or request that it holds, else the key id, else
/// the policy's SHA-256; hexadecimal, empty where there is neither.
std::string fingerprint_of(const Json& reply);

/// In groups of four digits, as it is read out.
std::string in_groups(const std::string& hex);

}  // namespace hubseal::cli
