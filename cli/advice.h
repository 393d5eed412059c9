#pragma once

#include <string>
#include <string_view>

#include "common/result.h"

namespace hubseal::cli {

/// What to do next about a refusal of `operation` (empty where the daemon was not asked), in one line; empty where the
/// message itself says it.
std::string advice_for(const Error& error, std::string_view operation = {});

/// Whether the socket, or the daemon behind it, does not know this user: it hung up before a word was said.
/// wire::DaemonClient calls that hsm_unavailable, because to the agent it is; a person has to change something.
bool was_turned_away(const Error& error);

}  // namespace hubseal::cli
