#include "agent/mcm/mysql_dump.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/mcm/sql_reader.h"
#include "common/log.h"

namespace hubseal::agent::mcm {
namespace {

constexpr std::size_t kMaxColumns = 64;
constexpr std::size_t kMaxTables = 256;

// What mysqldump writes beside tables and rows. None of it changes what rows say.
constexpr std::string_view kSkipped = " SET DROP LOCK UNLOCK ALTER CREATE COMMIT START USE CHANGE ";
constexpr std::string_view kLastLine = "\n-- Dump completed";

/// Tables that grow as statements are read.
class Statements {
 public:
  Statements(SqlReader& reader, std::map<std::string, DumpTable>& tables) : reader_(reader), tables_(tables) {}

  Result<> read_one() {
    if (TRY(reader_.accept(';'))) return {};  // behind a comment, or twice behind a routine
    const std::string word = reader_.word();
    if (word == "DELIMITER") return reader_.set_delimiter();
    TRY(reader_.more());
    if (word == "INSERT") return insert();
    if (word == "CREATE") return TRY(reader_.accept_word("TABLE")) ? create() : reader_.skip_statement();
    if (word == "USE") {
      if (used_) return reader_.refuse("a second USE: the dump is of several databases; wanted MCM's alone");
      used_ = true;
    }
    if (kSkipped.find(" " + word + " ") != std::string_view::npos) return reader_.skip_statement();
    return reader_.refuse(fmt::format("a statement {}; wanted what mysqldump writes", log::printable(word, 24)));
  }

 private:
  Result<> create() {
    TRY(skip_words({"IF", "NOT", "EXISTS"}));
    const std::string name = TRY(table_name());
    if (tables_.size() >= kMaxTables || tables_.contains(name))
      return reader_.refuse(fmt::format("table {} stands twice, or there are more than {}", name, kMaxTables));
    DumpTable& table = tables_[name];
    TRY(reader_.expect('(', "behind the name of a table"));
    do {
      // Keys and checks begin with a word, columns with a backquote.
      if (reader_.is_next('`')) table.columns.push_back(TRY(reader_.name()));
      TRY(reader_.skip_definition());
    } while (TRY(reader_.accept(',')));
    if (table.columns.empty() || table.columns.size() > kMaxColumns)
      return reader_.refuse(
          fmt::format("table {} has {} columns; wanted 1 to {}", name, table.columns.size(), kMaxColumns));
    return reader_.skip_statement();
  }

  Result<> insert() {
    TRY(skip_words({"IGNORE", "INTO"}));
    const std::string name = TRY(table_name());
    const auto found = tables_.find(name);
    if (found == tables_.end()) return reader_.refuse(fmt::format("rows of table {}, which was not created", name));
    DumpTable& table = found->second;
    const std::vector<std::size_t> places = TRY(places_of_columns(table));
    if (!TRY(reader_.accept_word("VALUES"))) return reader_.refuse("INSERT without VALUES");
    do {
      TRY(read_row(name, table, places));
    } while (TRY(reader_.accept(',')));
    return reader_.expect_end();
  }

  /// Where the values of a row belong: as a list of columns says, or in their order.
  Result<std::vector<std::size_t>> places_of_columns(const DumpTable& table) {
    std::vector<std::size_t> places;
    if (!TRY(reader_.accept('('))) {
      for (std::size_t i = 0; i < table.columns.size(); ++i) places.push_back(i);
      return places;
    }
    do {
      const std::string column = TRY(reader_.name());
      const auto place = std::find(table.columns.begin(), table.columns.end(), column) - table.columns.begin();
      places.push_back(static_cast<std::size_t>(place));
    } while (TRY(reader_.accept(',')));
    TRY(reader_.expect(')', "behind a list of columns"));
    std::vector<std::size_t> sorted = places;
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < sorted.size(); ++i)
      if (sorted[i] != i || sorted.size() != table.columns.size())
        return reader_.refuse("INSERT names other columns than its table has");
    return places;
  }

  Result<> read_row(const std::string& name, DumpTable& table, const std::vector<std::size_t>& places) {
    if (++rows_ > kMaxDumpRows) return fail(Code::too_large, fmt::format("the dump has over {} rows", kMaxDumpRows));
    std::vector<DumpTable::Value> row(places.size());
    std::size_t found = 0;
    TRY(reader_.expect('(', "where a row begins"));
    do {
      if (found == places.size())
        return reader_.refuse(fmt::format("a row of table {}: found more than {} values", name, places.size()));
      row[places[found++]] = TRY(reader_.value());
    } while (TRY(reader_.accept(',')));
    TRY(reader_.expect(')', "behind a value of a row"));
    if (found != places.size())
      return reader_.refuse(fmt::format("a row of table {}: found {} values; wanted {}", name, found, places.size()));
    table.rows.push_back(std::move(row));
    return {};
  }

  Result<> skip_words(std::initializer_list<std::string_view> words) {
    for (const std::string_view word : words) TRY(reader_.accept_word(word));
    return {};
  }

  /// The last part of `database`.`table`.
  Result<std::string> table_name() {
    std::string name = TRY(reader_.name());
    if (TRY(reader_.accept('.'))) name = TRY(reader_.name());
    return name;
  }

  SqlReader& reader_;
  std::map<std::string, DumpTable>& tables_;
  std::size_t rows_ = 0;
  bool used_ = false;
};

/// One dump, with its last line at its end.
Result<> require_whole(std::string_view text) {
  const std::size_t last = text.find(kLastLine);
  if (last == std::string_view::npos)
    return fail(Code::bad_request, "the dump lacks mysqldump's last line, \"-- Dump completed\": it may be cut off");
  const std::size_t end = std::min(text.find('\n', last + kLastLine.size()), text.size());
  if (text.find_first_not_of(" \t\r\n", end) == std::string_view::npos) return {};
  return fail(Code::bad_request,
              "something follows mysqldump's last line, \"-- Dump completed\": are there two dumps in the file? wanted "
              "one, of MCM's database alone");
}

}  // namespace

Result<MysqlDump> MysqlDump::parse(std::string_view text) {
  if (text.size() > kMaxDumpBytes)
    return fail(Code::too_large, fmt::format("the dump has {} bytes; wanted at most {}", text.size(), kMaxDumpBytes));
  if (!is_utf8(text)) return fail(Code::bad_request, "the dump is not UTF-8; wanted --default-character-set=utf8mb4");
  TRY(require_whole(text));
  MysqlDump dump;
  SqlReader reader(text);
  Statements statements(reader, dump.tables_);
  while (TRY(reader.more())) TRY(statements.read_one());
  return dump;
}

const DumpTable* MysqlDump::find(const std::string& name) const {
  const auto found = tables_.find(name);
  return found == tables_.end() ? nullptr : &found->second;
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i++]);
    if (first < 0x80) continue;
    const int more = first >= 0xc2 && first < 0xe0   ? 1
                     : (first & 0xf0U) == 0xe0       ? 2
                     : first >= 0xf0 && first < 0xf5 ? 3
                                                     : 0;
    if (more == 0) return false;
    unsigned code = first & (0x3fU >> more);
    for (int k = 0; k < more; ++k) {
      if (i >= text.size() || (static_cast<unsigned char>(text[i]) & 0xc0U) != 0x80) return false;
      code = code << 6U | (static_cast<unsigned char>(text[i++]) & 0x3fU);
    }
    constexpr unsigned kSmallest[] = {0, 0x80, 0x800, 0x10000};
    if (code < kSmallest[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
  }
  return true;
}

}  // namespace hubseal::agent::mcm
