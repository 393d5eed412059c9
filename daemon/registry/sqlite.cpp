#include "daemon/registry/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include "common/log.h"

namespace hubseal::daemon {
namespace {

tl::unexpected<Error> refuse(int result, sqlite3* handle) {
  const char* file = handle ? sqlite3_db_filename(handle, "main") : nullptr;
  const std::string reason = fmt::format("registry {}: {}", file ? file : "in memory",
                                         handle ? sqlite3_errmsg(handle) : sqlite3_errstr(result));
  switch (result & 0xff) {
    case SQLITE_CONSTRAINT:
      // Two at the same moment: each caller looks first, and tells in its own words what it finds.
      log::warning("the registry refused a row", {{"reason", reason}});
      return fail(Code::conflict, "something of this name, key or serial was registered meanwhile; look again");
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_BUSY: return fail(Code::storage_unavailable, reason);
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return fail(Code::storage_unavailable, reason +
                                                 "; it is damaged: keep a copy, and restore the newest backup of the "
                                                 "state folder (docs/OPERATIONS.md, section 7)");
    default: return fail(Code::internal, reason);
  }
}

}  // namespace

Statement::~Statement() {
  if (!statement_) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

// The bound bytes outlive the statement's use: every caller steps it in the same scope. A failed
// bind leaves NULL behind, which the NOT NULL columns refuse.
Statement& Statement::bind(std::string_view text) {
  sqlite3_bind_text64(statement_, next_++, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind(std::int64_t number) {
  sqlite3_bind_int64(statement_, next_++, number);
  return *this;
}

Statement& Statement::bind(ByteView blob) {
  sqlite3_bind_blob64(statement_, next_++, blob.data(), blob.size(), SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind_null() {
  sqlite3_bind_null(statement_, next_++);
  return *this;
}

Result<bool> Statement::step() {
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  return refuse(result, sqlite3_db_handle(statement_));
}

Result<> Statement::run() {
  TRY(step());
  return {};
}

std::string Statement::text(int column) const { return std::string(as_text(blob(column))); }

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }

Bytes Statement::blob(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return data ? Bytes(data, data + size) : Bytes();
}

bool Statement::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

void Database::Close::operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }
void Database::Finalize::operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }

Result<Database> Database::open(const std::filesystem::path& path) {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
  const int result = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Database database(handle);
  if (result != SQLITE_OK)
    return fail(Code::storage_unavailable, fmt::format("{}: {}", path.string(), sqlite3_errstr(result)));
  sqlite3_busy_timeout(handle, 5000);
  TRY(
      database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                       "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"));
  return database;
}

Result<Statement> Database::prepare(std::string_view sql) {
  auto& kept = statements_[sql];
  if (!kept) {
    sqlite3_stmt* statement = nullptr;
    const int result = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                          SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (result != SQLITE_OK) return refuse(result, handle_.get());
    kept.reset(statement);
  }
  return Statement(kept.get());
}

Result<> Database::execute(const char* sql) {
  const int result = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) return refuse(result, handle_.get());
  return {};
}

bool Database::in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }

std::int64_t Database::changes() const { return sqlite3_changes64(handle_.get()); }

std::int64_t Database::last_row() const { return sqlite3_last_insert_rowid(handle_.get()); }

}  // namespace hubseal::daemon
