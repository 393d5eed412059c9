#include "daemon/registry/policy_table.h"

#include "daemon/registry/columns.h"

namespace hubseal::daemon::policy_table {
namespace {

PolicyRecord read_row(const Statement& row) {
  return {.version = row.integer(0),
          .hash = row.blob(1),
          .loaded_at = time_from(row.integer(2)),
          .peer = row.text(3),
          .uid = row.integer(4),
          .approval = row.text(5)};
}

Result<std::optional<PolicyRecord>> first_row(Statement& statement) {
  if (!TRY(statement.step())) return std::nullopt;
  return read_row(statement);
}

}  // namespace

Result<> add(Database& database, const PolicyRecord& policy, const std::map<std::string, std::string>& files) {
  Statement insert = TRY(database.prepare(
      "INSERT INTO policies (version, hash, loaded_at, peer, uid, approval) VALUES (?, ?, ?, ?, ?, ?)"));
  TRY(insert.bind(policy.version)
          .bind(ByteView(policy.hash))
          .bind(seconds(policy.loaded_at))
          .bind(policy.peer)
          .bind(policy.uid)
          .bind(policy.approval)
          .run());
  for (const auto& [name, text] : files) {
    Statement file = TRY(database.prepare("INSERT INTO policy_files (version, name, content) VALUES (?, ?, ?)"));
    TRY(file.bind(policy.version).bind(name).bind(as_bytes(text)).run());
  }
  return {};
}

Result<std::optional<PolicyRecord>> newest(Database& database) {
  Statement row = TRY(database.prepare(
      "SELECT version, hash, loaded_at, peer, uid, approval FROM policies ORDER BY version DESC LIMIT 1"));
  return first_row(row);
}

Result<std::optional<PolicyRecord>> find(Database& database, std::int64_t version) {
  Statement row =
      TRY(database.prepare("SELECT version, hash, loaded_at, peer, uid, approval FROM policies WHERE version = ?"));
  row.bind(version);
  return first_row(row);
}

Result<std::map<std::string, std::string>> files(Database& database, std::int64_t version) {
  Statement rows = TRY(database.prepare("SELECT name, content FROM policy_files WHERE version = ?"));
  rows.bind(version);
  std::map<std::string, std::string> files;
  while (TRY(rows.step())) files[rows.text(0)] = rows.text(1);
  return files;
}

Result<std::vector<PolicyRecord>> list(Database& database, std::int64_t after, std::int64_t limit) {
  Statement rows = TRY(database.prepare(
      "SELECT version, hash, loaded_at, peer, uid, approval FROM policies WHERE version > ? ORDER BY version LIMIT ?"));
  rows.bind(after).bind(limit);
  std::vector<PolicyRecord> policies;
  while (TRY(rows.step())) policies.push_back(read_row(rows));
  return policies;
}

}  // namespace hubseal::daemon::policy_table
