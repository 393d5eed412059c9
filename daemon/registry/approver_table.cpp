#include "daemon/registry/approver_table.h"

#include <algorithm>

#include <fmt/format.h>

#include "daemon/registry/columns.h"

namespace hubseal::daemon {

std::string_view to_string(ApproverKind kind) {
  for (const auto& [name, value] : kApproverKinds)
    if (value == kind) return name;
  return "unknown";
}

namespace approver_table {
namespace {

constexpr std::int64_t kMostApprovers = 128;  // a list of them is one line

constexpr std::string_view kColumns =
    "row, name, person, kind, uid, public_key, credential_id, rp_id, origin, sign_count, added_at";

Result<ApproverRecord> read_row(const Statement& row) {
  ApproverRecord approver{.row = row.integer(0),
                          .name = row.text(1),
                          .person = row.text(2),
                          .public_key = row.blob(5),
                          .credential_id = row.blob(6),
                          .rp_id = row.text(7),
                          .origin = row.text(8),
                          .sign_count = static_cast<std::uint32_t>(row.integer(9)),
                          .added_at = time_from(row.integer(10))};
  approver.kind = TRY(word_to_value(kApproverKinds, row.text(3)));
  if (!row.is_null(4)) approver.uid = row.integer(4);
  return approver;
}

Result<std::optional<ApproverRecord>> first_row(Statement& row) {
  if (!TRY(row.step())) return std::nullopt;
  return TRY(read_row(row));
}

Statement& bind_optional(Statement& statement, const Bytes& blob) {
  return blob.empty() ? statement.bind_null() : statement.bind(ByteView(blob));
}

/// Of any approver that ever had the key.
Result<std::int64_t> last_sign_count(Database& database, const Bytes& public_key) {
  if (public_key.empty()) return 0;
  Statement row = TRY(database.prepare("SELECT ifnull(max(sign_count), 0) FROM approvers WHERE public_key = ?"));
  TRY(row.bind(ByteView(public_key)).step());
  return row.integer(0);
}

Result<std::int64_t> count(Database& database) {
  Statement row = TRY(database.prepare("SELECT count(*) FROM approvers WHERE removed_at IS NULL"));
  TRY(row.step());
  return row.integer(0);
}

}  // namespace

Result<> check_free(Database& database, const ApproverRecord& approver) {
  if (TRY(find(database, approver.name)))
    return fail(Code::conflict, fmt::format("there is an approver \"{}\" already", approver.name));
  if (approver.uid) {
    Statement other = TRY(database.prepare(
        "SELECT name, person FROM approvers WHERE removed_at IS NULL AND uid = ?1 AND (person <> ?2 OR "
        "(kind = 'uid' AND ?3 = 'uid'))"));
    if (TRY(other.bind(*approver.uid).bind(approver.person).bind(to_string(approver.kind)).step()))
      return fail(Code::conflict, fmt::format("uid {} is that of {} already (approver \"{}\")", *approver.uid,
                                              other.text(1), other.text(0)));
  }
  if (approver.public_key.empty()) return {};
  Statement same = TRY(database.prepare("SELECT name FROM approvers WHERE removed_at IS NULL AND public_key = ?"));
  if (!TRY(same.bind(ByteView(approver.public_key)).step())) return {};
  return fail(Code::conflict, fmt::format("approver \"{}\" has this key already", same.text(0)));
}

Result<> add(Database& database, const ApproverRecord& approver) {
  TRY(check_free(database, approver));
  if (TRY(count(database)) >= kMostApprovers)
    return fail(Code::conflict, fmt::format("there are {} approvers already; remove one first", kMostApprovers));
  const std::int64_t seen = TRY(last_sign_count(database, approver.public_key));
  Statement insert =
      TRY(database.prepare("INSERT INTO approvers (name, person, kind, uid, public_key, credential_id, rp_id, origin, "
                           "sign_count, added_at) VALUES (?,?,?,?,?,?,?,?,?,?)"));
  insert.bind(approver.name).bind(approver.person).bind(to_string(approver.kind));
  approver.uid ? insert.bind(*approver.uid) : insert.bind_null();
  bind_optional(insert, approver.public_key);
  bind_optional(insert, approver.credential_id);
  return insert.bind(approver.rp_id)
      .bind(approver.origin)
      .bind(std::max(seen, std::int64_t{approver.sign_count}))
      .bind(seconds(approver.added_at))
      .run();
}

Result<> remove(Database& database, std::int64_t row, TimePoint now) {
  Statement update = TRY(database.prepare("UPDATE approvers SET removed_at = ? WHERE row = ? AND removed_at IS NULL"));
  TRY(update.bind(seconds(now)).bind(row).run());
  if (database.changes() == 1) return {};
  return fail(Code::not_found, "the approver was removed before");
}

Result<std::optional<ApproverRecord>> find(Database& database, const std::string& name) {
  static const std::string sql =
      fmt::format("SELECT {} FROM approvers WHERE removed_at IS NULL AND name = ?", kColumns);
  Statement row = TRY(database.prepare(sql));
  return first_row(row.bind(name));
}

Result<std::optional<ApproverRecord>> find_uid(Database& database, std::int64_t uid) {
  static const std::string sql =
      fmt::format("SELECT {} FROM approvers WHERE removed_at IS NULL AND kind = 'uid' AND uid = ?", kColumns);
  Statement row = TRY(database.prepare(sql));
  return first_row(row.bind(uid));
}

Result<std::optional<ApproverRecord>> find_row(Database& database, std::int64_t row) {
  static const std::string sql = fmt::format("SELECT {} FROM approvers WHERE removed_at IS NULL AND row = ?", kColumns);
  Statement statement = TRY(database.prepare(sql));
  return first_row(statement.bind(row));
}

Result<std::vector<ApproverRecord>> list(Database& database) {
  static const std::string sql =
      fmt::format("SELECT {} FROM approvers WHERE removed_at IS NULL ORDER BY row", kColumns);
  Statement rows = TRY(database.prepare(sql));
  std::vector<ApproverRecord> approvers;
  while (TRY(rows.step())) approvers.push_back(TRY(read_row(rows)));
  return approvers;
}

Result<unsigned> count_persons(Database& database, std::int64_t without) {
  Statement row =
      TRY(database.prepare("SELECT count(DISTINCT person) FROM approvers WHERE removed_at IS NULL AND row <> ?"));
  TRY(row.bind(without).step());
  return static_cast<unsigned>(row.integer(0));
}

Result<bool> is_login_of(Database& database, std::int64_t uid, const std::string& person) {
  Statement row = TRY(database.prepare("SELECT 1 FROM approvers WHERE uid = ? AND person = ?"));
  return row.bind(uid).bind(person).step();
}

Result<> set_sign_count(Database& database, std::int64_t row, std::uint32_t count) {
  Statement update = TRY(database.prepare("UPDATE approvers SET sign_count = ? WHERE row = ?"));
  return update.bind(std::int64_t{count}).bind(row).run();
}

}  // namespace approver_table
}  // namespace hubseal::daemon
