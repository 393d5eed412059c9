#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "common/files.h"
#include "common/json.h"

namespace hubseal {

/// A TOML configuration file as the JSON value that Fields takes apart, so that every file of
/// HubSeal is read with the same strictness. At most 256 KiB; dates and fractions are refused.
/// Errors: not_found, bad_request (with line and column for a mistake in the syntax).
Result<Json> read_toml(const std::filesystem::path& path, Trust trust);
/// The same for what was read already; `name` stands in messages.
Result<Json> parse_toml(std::string_view text, const std::string& name);

}  // namespace hubseal
