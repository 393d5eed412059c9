/// What an approver reads before agreeing to another policy: every line that comes, goes or changes.
#pragma once

#include <string>

#include "common/json.h"
#include "common/result.h"

namespace hubseal::cli {

/// `content` is that of a load_policy, `files` what the answer of get_approval shows of it.
/// Errors: conflict where a text is not the one whose hash `content` has, or a file is shown too much or not at all.
Result<std::string> render_policy_changes(const Json& content, const Json& files);

}  // namespace hubseal::cli
