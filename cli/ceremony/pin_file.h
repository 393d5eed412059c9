#pragma once

#include <filesystem>

#include "common/result.h"

namespace hubseal::cli {

enum class PinFile { made, was_there };

/// Makes sure that `path` holds a PIN: a new one of 192 random bits, written as text that every
/// token takes, in a file of mode 0600 that did not exist before, in a folder of mode 0700.
/// A file that is there is never touched.
/// Errors: bad_request when the folder belongs to somebody else (the daemon could not read a file
/// that this user makes), or that cannot be made.
Result<PinFile> ensure_pin_file(const std::filesystem::path& path);

}  // namespace hubseal::cli
