#include "daemon/registry/approval_table.h"

#include <fmt/format.h>

#include "daemon/registry/columns.h"

namespace hubseal::daemon {

std::string_view to_string(ApprovalState state) {
  for (const auto& [name, value] : kApprovalStates)
    if (value == state) return name;
  return "unknown";
}

namespace approval_table {
namespace {

constexpr std::string_view kColumns =
    "id, hash, operation, about, content, policy_version, needed, peer, uid, nonce, created_at, expires_at, state";

Result<ApprovalRecord> read_row(const Statement& row) {
  ApprovalRecord approval{.id = row.integer(0),
                          .hash = row.blob(1),
                          .operation = row.text(2),
                          .about = row.text(3),
                          .content = row.text(4),
                          .policy_version = row.integer(5),
                          .needed = static_cast<unsigned>(row.integer(6)),
                          .peer = row.text(7),
                          .uid = row.integer(8),
                          .nonce = row.blob(9),
                          .created_at = time_from(row.integer(10)),
                          .expires_at = time_from(row.integer(11))};
  approval.state = TRY(word_to_value(kApprovalStates, row.text(12)));
  return approval;
}

}  // namespace

Result<std::int64_t> add(Database& database, const ApprovalRecord& approval) {
  Statement insert = TRY(database.prepare(
      "INSERT INTO approvals (hash, operation, about, content, policy_version, needed, peer, uid, nonce, created_at, "
      "expires_at, state) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"));
  TRY(insert.bind(ByteView(approval.hash))
          .bind(approval.operation)
          .bind(approval.about)
          .bind(approval.content)
          .bind(approval.policy_version)
          .bind(static_cast<std::int64_t>(approval.needed))
          .bind(approval.peer)
          .bind(approval.uid)
          .bind(ByteView(approval.nonce))
          .bind(seconds(approval.created_at))
          .bind(seconds(approval.expires_at))
          .bind(to_string(approval.state))
          .run());
  return database.last_row();
}

Result<std::optional<ApprovalRecord>> find_open(Database& database, ByteView hash, TimePoint now) {
  static const std::string sql = fmt::format(
      "SELECT {} FROM approvals WHERE hash = ? AND state IN ('pending', 'approved') AND expires_at > ? "
      "ORDER BY id DESC LIMIT 1",
      kColumns);
  Statement row = TRY(database.prepare(sql));
  if (!TRY(row.bind(hash).bind(seconds(now)).step())) return std::nullopt;
  return TRY(read_row(row));
}

Result<> use(Database& database, std::int64_t id, TimePoint now) {
  Statement update = TRY(
      database.prepare("UPDATE approvals SET state = 'used' WHERE id = ? AND state = 'approved' AND expires_at > ?"));
  TRY(update.bind(id).bind(seconds(now)).run());
  if (database.changes() == 1) return {};
  return fail(Code::conflict, fmt::format("approval a-{} is not there to be used: not approved, used before, or "
                                          "expired; ask again",
                                          id));
}

}  // namespace approval_table
}  // namespace hubseal::daemon
