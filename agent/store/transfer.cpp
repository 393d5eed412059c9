#include "agent/store/transfer.h"

#include <ranges>

#include <fmt/format.h>

#include "agent/store/schema.h"

namespace hubseal::agent::store {
namespace {

/// One copy on its way: both databases are open, and a transaction is begun in each.
class Transfer {
 public:
  Transfer(const Schema& schema, Session& from, Session& to, const Progress& progress)
      : schema_(schema), from_(from), to_(to), progress_(progress) {}

  Result<std::vector<Copied>> run() {
    // What the migrations put there is in the source as well, perhaps changed since.
    for (const Table& table : schema_.tables() | std::views::reverse) clear(to_, table);
    std::vector<Copied> copied;
    for (const Table& table : schema_.tables()) copied.push_back({table.name, TRY(copy(table))});
    return copied;
  }

 private:
  Result<std::int64_t> copy(const Table& table) {
    TRY(require_whole_texts(from_, table));
    const Digest sent = TRY(digest_of(from_, table));
    std::int64_t done = 0;
    TRY(read_rows(from_, table, [&](const Rows& rows) -> Result<> {
      TRY(insert_rows(to_, table, rows));
      done += static_cast<std::int64_t>(rows.front().size());
      progress_(table.name, done, sent.rows);
      return {};
    }));
    const Digest arrived = TRY(digest_of(to_, table));
    if (arrived == sent) return sent.rows;
    return fail(Code::conflict,
                fmt::format("table {} did not arrive as it was: {} rows with SHA-256 {}, wanted {} rows with {}",
                            table.name, arrived.rows, arrived.sha256, sent.rows, sent.sha256));
  }

  const Schema& schema_;
  Session& from_;
  Session& to_;
  const Progress& progress_;
};

}  // namespace

Result<std::vector<Copied>> transfer(const Location& from, const Location& to, bool rehearse,
                                     const Progress& progress) {
  if (!is_there(from)) return fail(Code::not_found, fmt::format("there is no database {}", from.file.string()));
  const Schema schema = TRY(Schema::of(embedded_migrations()));
  const auto source = TRY(connect(from, Use::alone));
  const auto target = TRY(connect_target(to, rehearse));
  const auto end = rehearse ? Sessions::End::undo : Sessions::End::keep;
  return source->write(
      [&](Session& reading) -> Result<std::vector<Copied>> {
        TRY(require_current(reading, embedded_migrations()));
        return target->write(
            [&](Session& writing) -> Result<std::vector<Copied>> {
              TRY(migrate_within(writing, embedded_migrations()));
              TRY(schema.require_fresh(writing));
              return Transfer(schema, reading, writing, progress).run();
            },
            end);
      },
      Sessions::End::undo);
}

}  // namespace hubseal::agent::store
