#pragma once

#include <filesystem>

#include "common/result.h"
#include "common/unique_fd.h"

namespace hubseal::agent::publish {

constexpr unsigned kFileMode = 0640;  ///< of what is published: the folder's group reads it

/// The folder itself, not what a link leads to, where nobody but this agent's user can put anything: what is done below
/// it by name is then done to what this agent made. Errors: not_found; bad_request: others can write to it or everybody
/// can read it; storage_unavailable.
Result<UniqueFd> open_own_folder(const std::filesystem::path& path);

/// Threads and agents take turns at writing; the turn ends with the descriptor. Errors: storage_unavailable.
Result<UniqueFd> take_turn(const UniqueFd& folder, const std::filesystem::path& path);
/// Whether anybody has ever taken a turn there.
bool was_used(const UniqueFd& folder);

/// What errno says of a path. The text names both.
tl::unexpected<Error> fail_errno(const std::filesystem::path& path, std::string_view doing);

}  // namespace hubseal::agent::publish
