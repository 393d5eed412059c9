#include "agent/store/schema.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/key_types.h"
#include "common/log.h"
#include "common/number.h"

namespace hubseal::agent::store {
namespace {

namespace sql = Poco::Data::Keywords;
using Poco::Data::Statement;
using Number = Poco::Nullable<Poco::Int64>;

constexpr int kRowsAtOnce = 500;

std::string names_of(const Table& table, std::string_view form) {
  std::string names;
  for (const Column& column : table.columns)
    names.append(names.empty() ? "" : ", ").append(fmt::format(fmt::runtime(form), column.name));
  return names;
}

/// Of a row: each value with its length, so that no two rows give one text.
std::string hash_of_row(const Rows& rows, std::size_t row) {
  std::string text;
  for (const auto& column : rows) {
    const Cell& cell = column[row];
    text += cell.isNull() ? std::string("-,") : fmt::format("{}:{},", cell.value().size(), cell.value());
  }
  return to_hex(sha256(as_bytes(text)));
}

Result<Number> to_number(const Table& table, const Column& column, const Cell& cell) {
  if (cell.isNull()) return Number();
  const std::string& text = cell.value();
  if (const auto number = parse_number<Poco::Int64>(text)) return Number(*number);
  return fail(Code::conflict,
              fmt::format("{}.{} holds \"{}\"; wanted a number", table.name, column.name, log::printable(text, 40)));
}

Result<std::vector<Column>> columns_of(Session& session, const std::string& table) {
  std::vector<std::string> names;
  std::vector<std::string> types;
  session << fmt::format("SELECT name, type FROM pragma_table_info('{}') ORDER BY cid", table), sql::into(names),
      sql::into(types), sql::now;
  std::vector<Column> columns;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (types[i] != "TEXT" && types[i] != "BIGINT" && types[i] != "INTEGER")
      return fail(Code::internal, fmt::format("{}.{} is {}; wanted TEXT or BIGINT", table, names[i], types[i]));
    columns.push_back({names[i], types[i] != "TEXT"});
  }
  return columns;
}

/// The other tables that its rows refer to.
std::vector<std::string> parents_of(Session& session, const std::string& table) {
  std::vector<std::string> parents;
  session << fmt::format("SELECT DISTINCT \"table\" FROM pragma_foreign_key_list('{0}') WHERE \"table\" <> '{0}'",
                         table),
      sql::into(parents), sql::now;
  return parents;
}

/// A table is placed when all those are that it refers to.
Result<std::vector<Table>> tables_of(Session& session) {
  std::vector<std::string> waiting;
  session << "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
             "AND name <> 'schema_migrations' ORDER BY name",
      sql::into(waiting), sql::now;
  std::vector<Table> tables;
  const auto is_placed = [&](const std::string& name) {
    return std::any_of(tables.begin(), tables.end(), [&](const Table& table) { return table.name == name; });
  };
  while (!waiting.empty()) {
    const auto next = std::find_if(waiting.begin(), waiting.end(), [&](const std::string& name) {
      const auto parents = parents_of(session, name);
      return std::all_of(parents.begin(), parents.end(), is_placed);
    });
    if (next == waiting.end())
      return fail(Code::internal, fmt::format("{} refers to itself over others", waiting.front()));
    tables.push_back({*next, TRY(columns_of(session, *next))});
    waiting.erase(next);
  }
  return tables;
}

}  // namespace

Result<Schema> Schema::of(std::span<const Migration> migrations) {
  const auto sessions = TRY(connect({.file = kMemory}, Use::shared));
  return sessions->write([&](Session& session) -> Result<Schema> {
    TRY(migrate_within(session, migrations));
    Schema schema;
    schema.tables_ = TRY(tables_of(session));
    for (const Table& table : schema.tables_) schema.fresh_.push_back(TRY(digest_of(session, table)));
    return schema;
  });
}

Result<> Schema::require_fresh(Session& session) const {
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    const Digest found = TRY(digest_of(session, tables_[i]));
    if (found == fresh_[i]) continue;
    return fail(Code::conflict, fmt::format("the target is not empty: its table {} holds {} rows; wanted a database "
                                            "that nothing was written to yet",
                                            tables_[i].name, found.rows));
  }
  return {};
}

Result<> read_rows(Session& session, const Table& table, const std::function<Result<>(const Rows&)>& work) {
  Rows rows(table.columns.size());
  Statement select(session);
  select << fmt::format("SELECT {} FROM {}", names_of(table, "CAST({} AS TEXT)"), table.name);
  for (auto& column : rows) select, sql::into(column);
  select, sql::limit(kRowsAtOnce);
  while (!select.done()) {
    for (auto& column : rows) column.clear();
    select.execute();
    if (!rows.front().empty()) TRY(work(rows));
  }
  return {};
}

Result<> insert_rows(Session& session, const Table& table, const Rows& rows) {
  std::vector<std::vector<Number>> numbers(rows.size());
  std::string parameters;
  Statement insert(session);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    parameters += fmt::format("{}${}", i == 0 ? "" : ", ", i + 1);
    if (table.columns[i].is_number)
      for (const Cell& cell : rows[i]) numbers[i].push_back(TRY(to_number(table, table.columns[i], cell)));
  }
  insert << fmt::format("INSERT INTO {} ({}) VALUES ({})", table.name, names_of(table, "{}"), parameters);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (table.columns[i].is_number)
      insert, sql::bind(numbers[i]);
    else
      insert, sql::bind(rows[i]);
  }
  insert.execute();
  return {};
}

// SQLite counts the characters before a NUL: one more at the end then counts for nothing. PostgreSQL stores none.
Result<> require_whole_texts(Session& session, const Table& table) {
  for (const Column& column : table.columns) {
    if (column.is_number) continue;
    int broken = 0;
    session << fmt::format("SELECT COUNT(*) FROM {0} WHERE LENGTH({1} || 'z') <> LENGTH({1}) + 1", table.name,
                           column.name),
        sql::into(broken), sql::now;
    if (broken != 0)
      return fail(Code::conflict,
                  fmt::format("{}.{} holds a NUL in {} rows; wanted text", table.name, column.name, broken));
  }
  return {};
}

Result<Digest> digest_of(Session& session, const Table& table) {
  std::vector<std::string> hashes;
  TRY(read_rows(session, table, [&](const Rows& rows) -> Result<> {
    for (std::size_t row = 0; row < rows.front().size(); ++row) hashes.push_back(hash_of_row(rows, row));
    return {};
  }));
  std::sort(hashes.begin(), hashes.end());
  return Digest{static_cast<std::int64_t>(hashes.size()),
                to_hex(sha256(as_bytes(fmt::format("{}", fmt::join(hashes, "\n")))))};
}

void clear(Session& session, const Table& table) { session << fmt::format("DELETE FROM {}", table.name), sql::now; }

}  // namespace hubseal::agent::store
