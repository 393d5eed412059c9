/// Folders that the configuration names, and whether this process could use them.
#pragma once

#include <filesystem>
#include <string_view>

#include "common/result.h"

namespace hubseal::daemon {

/// Whether the folder can be written to or, where it is not there, be made. Makes nothing.
/// Errors: bad_request, naming the key of the configuration, the path and our uid; storage_unavailable where the file
/// system takes nothing.
Result<> check_folder(std::string_view key, const std::filesystem::path& path);

/// The error for what could not be made in a folder, by errno as it stands: as check_folder().
tl::unexpected<Error> folder_problem(std::string_view key, const std::filesystem::path& path);

}  // namespace hubseal::daemon
