#pragma once

#include <string>

#include "common/result.h"

namespace hubseal::cli {

/// A serial number as the daemon writes it, from what other tools print: with 0x, colons or spaces, in capitals.
/// Errors: bad_request.
Result<std::string> read_serial(const std::string& text);

}  // namespace hubseal::cli
