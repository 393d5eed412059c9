#include "daemon/registry/approval_table.h"

#include <algorithm>

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

// A person counts once, and only as long as the approver is there by which it has agreed.
constexpr std::string_view kAgreed =
    "(SELECT count(DISTINCT approvers.person) FROM votes JOIN approvers ON approvers.row = votes.approver "
    "WHERE votes.approval = approvals.id AND votes.decision = 'approve' AND approvers.removed_at IS NULL)";

constexpr std::string_view kColumns =
    "id, hash, operation, about, content, policy_version, needed, peer, uid, nonce, created_at, expires_at, state, "
    "reason";

constexpr std::array<std::string_view, 7> kUrgent = {"unseal",          "change_approvers",  "revoke_certificate",
                                                     "suspend_subject", "off_board_subject", "suspend_key",
                                                     "deactivate_key"};

// ?1 is now, in every statement with this. What was asked for by a clock that was ahead of today's would live longer
// than policy lets it: it is over as well. Five minutes, as long as the clock may jump (daemon/clock_guard.h).
constexpr std::string_view kInTime = "(expires_at > ?1 AND created_at <= ?1 + 300)";

std::string select(std::string_view rest) {
  return fmt::format("SELECT {}, {}, {} FROM approvals {}", kColumns, kAgreed, kInTime, rest);
}

Result<ApprovalRecord> read_row(const Statement& row) {
  ApprovalRecord approval{.id = row.integer(0),
                          .hash = row.blob(1),
                          .operation = row.text(2),
                          .about = row.text(3),
                          .content = row.text(4),
                          .policy_version = row.integer(5),
                          .needed = static_cast<unsigned>(row.integer(6)),
                          .agreed = static_cast<unsigned>(row.integer(14)),
                          .peer = row.text(7),
                          .uid = row.integer(8),
                          .nonce = row.blob(9),
                          .created_at = time_from(row.integer(10)),
                          .expires_at = time_from(row.integer(11)),
                          .reason = row.text(13)};
  approval.state = TRY(word_to_value(kApprovalStates, row.text(12)));
  if (approval.open() && row.integer(15) == 0) approval.state = ApprovalState::expired;
  return approval;
}

Result<std::vector<ApprovalRecord>> read_rows(Statement& rows) {
  std::vector<ApprovalRecord> approvals;
  while (TRY(rows.step())) approvals.push_back(TRY(read_row(rows)));
  return approvals;
}

Result<std::optional<ApprovalRecord>> first_row(Statement& row) {
  if (!TRY(row.step())) return std::nullopt;
  return TRY(read_row(row));
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

Result<std::optional<ApprovalRecord>> find(Database& database, std::int64_t id, TimePoint now) {
  static const std::string sql = select("WHERE id = ?2");
  Statement row = TRY(database.prepare(sql));
  return first_row(row.bind(seconds(now)).bind(id));
}

Result<std::optional<ApprovalRecord>> find_asked(Database& database, ByteView hash, TimePoint now) {
  static const std::string sql = select(fmt::format(
      "WHERE hash = ?2 AND state IN ('pending', 'approved', 'rejected') AND {} ORDER BY id DESC LIMIT 1", kInTime));
  Statement row = TRY(database.prepare(sql));
  return first_row(row.bind(seconds(now)).bind(hash));
}

Result<std::vector<ApprovalRecord>> list(Database& database, const ApprovalQuery& query, TimePoint now) {
  static const std::string sql =
      select(fmt::format("WHERE id > ?2 AND (?3 IS NULL OR ?3 = CASE WHEN state IN ('pending', 'approved') AND NOT {0} "
                         "THEN 'expired' ELSE state END) AND (?5 = 0 OR (state IN ('pending', 'approved') AND {0})) "
                         "ORDER BY id LIMIT ?4",
                         kInTime));
  Statement rows = TRY(database.prepare(sql));
  rows.bind(seconds(now)).bind(query.after);
  query.state ? rows.bind(to_string(*query.state)) : rows.bind_null();
  rows.bind(query.limit).bind(std::int64_t{query.open});
  return read_rows(rows);
}

bool urgent(std::string_view operation) {
  return std::find(kUrgent.begin(), kUrgent.end(), operation) != kUrgent.end();
}

Result<std::int64_t> count_open(Database& database, const ApprovalRecord& wanted, TimePoint now) {
  static const std::string sql = fmt::format(
      "SELECT operation, count(*) FROM approvals WHERE state IN ('pending', 'approved') AND {} AND peer = ?2 AND "
      "uid = ?3 GROUP BY operation",
      kInTime);
  Statement rows = TRY(database.prepare(sql));
  rows.bind(seconds(now)).bind(wanted.peer).bind(wanted.uid);
  std::int64_t count = 0;
  while (TRY(rows.step())) {
    const std::string operation = rows.text(0);
    const bool apart = urgent(operation) || urgent(wanted.operation);
    if (!apart || operation == wanted.operation) count += rows.integer(1);
  }
  return count;
}

Result<std::vector<ApprovalRecord>> list_open_about(Database& database, std::string_view about, TimePoint now) {
  static const std::string sql =
      select(fmt::format("WHERE about = ?2 AND state IN ('pending', 'approved') AND {} ORDER BY id", kInTime));
  Statement rows = TRY(database.prepare(sql));
  rows.bind(seconds(now)).bind(about);
  return read_rows(rows);
}

Result<> withdraw(Database& database, std::int64_t id, std::string_view reason) {
  Statement update = TRY(database.prepare(
      "UPDATE approvals SET state = 'rejected', reason = ? WHERE id = ? AND state IN ('pending', 'approved')"));
  return update.bind(reason).bind(id).run();
}

Result<> set_state(Database& database, std::int64_t id, ApprovalState from, ApprovalState to) {
  Statement update = TRY(database.prepare("UPDATE approvals SET state = ? WHERE id = ? AND state = ?"));
  TRY(update.bind(to_string(to)).bind(id).bind(to_string(from)).run());
  if (database.changes() == 1) return {};
  return fail(Code::conflict, fmt::format("approval a-{} is no longer {}", id, to_string(from)));
}

Result<> use(Database& database, std::int64_t id, TimePoint now) {
  static const std::string sql =
      fmt::format("UPDATE approvals SET state = 'used' WHERE id = ?2 AND state = 'approved' AND {}", kInTime);
  Statement update = TRY(database.prepare(sql));
  TRY(update.bind(seconds(now)).bind(id).run());
  if (database.changes() == 1) return {};
  return fail(Code::conflict, fmt::format("approval a-{} is not there to be used: not approved, used before, or "
                                          "expired; ask again",
                                          id));
}

Result<> reopen_short(Database& database) {
  static const std::string sql =
      fmt::format("UPDATE approvals SET state = 'pending' WHERE state = 'approved' AND {} < needed", kAgreed);
  return TRY(database.prepare(sql)).run();
}

Result<std::vector<ApprovalRecord>> list_overdue(Database& database, TimePoint now, std::int64_t limit) {
  static const std::string sql =
      select(fmt::format("WHERE state IN ('pending', 'approved') AND NOT {} ORDER BY id LIMIT ?2", kInTime));
  Statement rows = TRY(database.prepare(sql));
  rows.bind(seconds(now)).bind(limit);
  return read_rows(rows);
}

Result<> expire(Database& database, std::int64_t id) {
  Statement update =
      TRY(database.prepare("UPDATE approvals SET state = 'expired' WHERE id = ? AND state IN ('pending', 'approved')"));
  return update.bind(id).run();
}

Result<> expire_all(Database& database) {
  return database.execute("UPDATE approvals SET state = 'expired' WHERE state IN ('pending', 'approved')");
}

}  // namespace approval_table
}  // namespace hubseal::daemon
