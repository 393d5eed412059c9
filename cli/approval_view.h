/// What an approver reads before agreeing: the request in full, and how it differs from what is there.
#pragma once

#include <string>

#include "common/json.h"
#include "common/result.h"

namespace hubseal::cli {

/// Whether the statement of a get_approval answer is about what the answer shows: whoever answers (the daemon, or
/// somebody in between) must not show one thing and have another signed.
/// Errors: conflict.
Result<> check_statement(const Json& approval);

/// All of a get_approval answer. What will be done stands against the previous certificate of the same participant
/// and profile, where there is one: "-" what it says, "+" what the new one will say. Another policy stands line by line
/// against the one in force. Errors: conflict.
Result<std::string> render_approval(const Json& approval);
std::string render_approvals(const Json& approvals);

std::string render_approver(const Json& approver);
std::string render_approvers(const Json& approvers);

}  // namespace hubseal::cli
