#include "daemon/approvals/statement.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/bytes.h"
#include "common/key_types.h"

namespace hubseal::daemon {

std::string approval_statement(std::string_view instance, const ApprovalRecord& approval, Decision decision) {
  return fmt::format(
      "hubseal-approval/v1\n"
      "instance: {}\n"
      "approval: a-{}\n"
      "decision: {}\n"
      "operation: {}\n"
      "about: {}\n"
      "content-sha256: {}\n"
      "policy-version: {}\n"
      "requester: {} uid {}\n"
      "expires: {}\n"
      "nonce: {}\n",
      instance, approval.id, to_string(decision), approval.operation, approval.about,
      to_hex(sha256(as_bytes(approval.content))), approval.policy_version, approval.peer, approval.uid,
      format_utc(approval.expires_at), to_hex(approval.nonce));
}

Result<> check_statement_line(std::string_view text) {
  const auto breaks = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::none_of(text.begin(), text.end(), breaks)) return {};
  return fail(Code::internal, "what is to be approved does not fit on a line of its statement");
}

}  // namespace hubseal::daemon
