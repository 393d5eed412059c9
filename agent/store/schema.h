/// Which tables there are, found out by running the migrations, and work on whole tables. Internal to store/.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <Poco/Nullable.h>

#include "agent/store/migrations.h"
#include "agent/store/sessions.h"

namespace hubseal::agent::store {

struct Column {
  std::string name;
  bool is_number;  ///< else it is text
};

struct Table {
  std::string name;
  std::vector<Column> columns;
};

/// What a table holds, in whatever order: equal digests are equal contents.
struct Digest {
  std::int64_t rows = 0;
  std::string sha256 = {};

  bool operator==(const Digest&) const = default;
};

/// The tables that migrations make, and what they put into them.
class Schema {
 public:
  /// Errors: internal: a column of a type that work on whole tables does not know.
  static Result<Schema> of(std::span<const Migration> migrations);

  /// A table comes after those that its rows refer to. The list of migrations itself is none of them.
  const std::vector<Table>& tables() const { return tables_; }
  /// Errors: conflict, naming a table: it holds something else than the migrations left there.
  Result<> require_fresh(Session& session) const;

 private:
  std::vector<Table> tables_;
  std::vector<Digest> fresh_;  // of the table at the same place
};

/// Some rows of a table, column by column, as text.
using Cell = Poco::Nullable<std::string>;
using Rows = std::vector<std::vector<Cell>>;

/// Hands all rows of `table` to `work`, some hundred at a time, in no order.
Result<> read_rows(Session& session, const Table& table, const std::function<Result<>(const Rows&)>& work);
/// Errors: conflict: text where a number belongs.
Result<> insert_rows(Session& session, const Table& table, const Rows& rows);
/// Errors: conflict: a text with a NUL, which no copy would have whole.
Result<> require_whole_texts(Session& session, const Table& table);
Result<Digest> digest_of(Session& session, const Table& table);
void clear(Session& session, const Table& table);

}  // namespace hubseal::agent::store
