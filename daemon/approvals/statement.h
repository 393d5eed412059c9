#pragma once

#include <string>
#include <string_view>

#include "daemon/registry/approval_table.h"
#include "daemon/registry/vote_table.h"

namespace hubseal::daemon {

/// What an approver signs: lines of text (docs/PROTOCOL.md, "Approval statement"), so that a person can read
/// it and any tool or card can sign it. It names this hubseald, the request with the hash of its content, the
/// policy in force, who asked, until when, and a nonce: a signature over it is good for nothing else.
std::string approval_statement(std::string_view instance, const ApprovalRecord& approval, Decision decision);

/// Errors: internal, for a text that would be two lines of a statement.
Result<> check_statement_line(std::string_view text);

}  // namespace hubseal::daemon
