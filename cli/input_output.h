/// Files and streams named on the command line.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/result.h"

namespace hubseal::cli {

/// The content of the file `name`, or of standard input when it is "-"; at most `max_bytes`.
Result<std::string> read_input(const std::string& name, std::size_t max_bytes);

/// Asked before anything is made: whether `write_output` could put something into `name` ("" is
/// standard output). A file that is there is refused, unless `force` or it begins with
/// `repeatable`: what a command writes that may be given again, and may find unchanged.
Result<> check_output(const std::string& name, bool force, std::string_view repeatable = {});

/// Puts `text` into the file `name` (mode 0644, as one step). A file that is there and holds
/// something else is left alone unless `force`: an --out that names the bank's private key by
/// mistake must not cost the key.
/// Errors: conflict and bad_request, never the daemon's storage_unavailable.
Result<> write_output(const std::string& name, std::string_view text, bool force);

/// Standard output.
void print(std::string_view text);
/// Standard error.
void print_note(std::string_view text);
/// Standard error, when a person is there to read it.
void print_progress(std::string_view text);
/// Whether all that was printed arrived (a full disk, a closed pipe).
Result<> flush_output();

}  // namespace hubseal::cli
