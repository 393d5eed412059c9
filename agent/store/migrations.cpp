#include "agent/store/migrations.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/store/sessions.h"
#include "common/clock.h"
#include "common/key_types.h"
#include "common/log.h"

namespace hubseal::agent::store {
namespace {

namespace sql = Poco::Data::Keywords;

struct Applied {
  std::vector<int> versions;
  std::vector<std::string> hashes;
};

std::string hash_of(const Migration& migration) { return to_hex(sha256(as_bytes(migration.sql))); }

/// What other programs have put there is neither changed nor read.
tl::unexpected<Error> is_foreign(std::string_view table) {
  return fail(Code::conflict, fmt::format("the database holds a table {} that is another program's; wanted a database "
                                          "that is for the agent alone",
                                          table));
}

Result<Applied> read_applied(Session& session) {
  const auto columns = columns_of(session, "schema_migrations");
  for (const char* own : {"version", "name", "sha256", "applied_at"})
    if (!columns.empty() && std::find(columns.begin(), columns.end(), own) == columns.end())
      return is_foreign("schema_migrations");
  session << "CREATE TABLE IF NOT EXISTS schema_migrations ("
             "version INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at TEXT NOT NULL)",
      sql::now;
  Applied applied;
  session << "SELECT version, sha256 FROM schema_migrations ORDER BY version", sql::into(applied.versions),
      sql::into(applied.hashes), sql::now;
  return applied;
}

Result<> check_known(const Applied& applied, std::span<const Migration> migrations) {
  for (std::size_t i = 0; i < applied.versions.size(); ++i) {
    const int version = applied.versions[i];
    const auto known = std::find_if(migrations.begin(), migrations.end(),
                                    [&](const Migration& migration) { return migration.version == version; });
    if (known == migrations.end())
      return fail(Code::conflict,
                  fmt::format("the database has schema version {}, this program knows at most {}; run a newer one",
                              version, migrations.empty() ? 0 : migrations.back().version));
    if (applied.hashes[i] != hash_of(*known))
      return fail(Code::conflict,
                  fmt::format("migration {} was applied with other content: found SHA-256 {}, wanted {}", known->name,
                              applied.hashes[i], hash_of(*known)));
  }
  return {};
}

bool is_applied(const Applied& applied, const Migration& migration) {
  return std::find(applied.versions.begin(), applied.versions.end(), migration.version) != applied.versions.end();
}

/// The table that a statement makes; empty where it makes none.
std::string made_by(std::string_view statement) {
  constexpr std::string_view kCreate = "CREATE TABLE ";
  if (!statement.starts_with(kCreate)) return {};
  statement.remove_prefix(kCreate.size());
  return std::string(statement.substr(0, statement.find_first_of(" (\n")));
}

Result<> apply(Session& session, const Migration& migration) {
  for (const std::string& statement : split_statements(migration.sql)) {
    if (const std::string table = made_by(statement); !table.empty() && !columns_of(session, table).empty())
      return is_foreign(table);
    session << statement, sql::now;
  }
  session << "INSERT INTO schema_migrations (version, name, sha256, applied_at) VALUES ($1, $2, $3, $4)",
      sql::bind(migration.version), sql::bind(std::string(migration.name)), sql::bind(hash_of(migration)),
      sql::bind(format_utc(SystemClock().now())), sql::now;
  return {};
}

}  // namespace

std::vector<std::string> split_statements(std::string_view text) {
  std::vector<std::string> statements;
  std::string statement;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.substr(std::min(line.find_first_not_of(' '), line.size())).starts_with("--")) continue;
    statement.append(line).append("\n");
    if (!line.ends_with(';')) continue;
    statements.push_back(std::move(statement));
    statement.clear();
  }
  return statements;
}

Result<> migrate(Sessions& sessions, std::span<const Migration> migrations) {
  const auto applied = TRY(sessions.write([](Session& session) -> Result<Applied> { return read_applied(session); }));
  TRY(check_known(applied, migrations));
  for (const Migration& migration : migrations) {
    if (is_applied(applied, migration)) continue;
    const bool done = TRY(sessions.write([&](Session& session) -> Result<bool> {
      // Looked up again: another agent may have started at the same moment.
      if (is_applied(TRY(read_applied(session)), migration)) return false;
      TRY(apply(session, migration));
      return true;
    }));
    if (done) log::info("schema migrated", {{"migration", migration.name}});
  }
  return {};
}

Result<> migrate_within(Session& session, std::span<const Migration> migrations) {
  const Applied applied = TRY(read_applied(session));
  TRY(check_known(applied, migrations));
  for (const Migration& migration : migrations)
    if (!is_applied(applied, migration)) TRY(apply(session, migration));
  return {};
}

Result<> require_current(Session& session, std::span<const Migration> migrations) {
  const Applied applied = TRY(read_applied(session));
  TRY(check_known(applied, migrations));
  for (const Migration& migration : migrations)
    if (!is_applied(applied, migration))
      return fail(Code::conflict, fmt::format("the database lacks migration {}: it is of an older program, or none of "
                                              "the agent's; start this agent on it once",
                                              migration.name));
  return {};
}

}  // namespace hubseal::agent::store
