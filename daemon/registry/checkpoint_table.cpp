#include "daemon/registry/checkpoint_table.h"

namespace hubseal::daemon::checkpoint_table {

Result<std::optional<CheckpointMarks>> find(Database& database) {
  Statement row = TRY(database.prepare("SELECT size, root, in_token FROM checkpoints"));
  if (!TRY(row.step())) return std::nullopt;
  CheckpointMarks marks{{static_cast<std::uint64_t>(row.integer(0)), row.blob(1)}, {}, row.integer(2) != 0};
  Statement announced = TRY(database.prepare("SELECT size, root FROM announced_checkpoints"));
  while (TRY(announced.step()))
    marks.announced.push_back({static_cast<std::uint64_t>(announced.integer(0)), announced.blob(1)});
  return marks;
}

Result<> announce(Database& database, const CheckpointMark& next) {
  Statement first =
      TRY(database.prepare("INSERT INTO checkpoints (only_row, size, root, next_size, next_root) "
                           "VALUES (1, 0, x'', 0, x'') ON CONFLICT DO NOTHING"));
  TRY(first.run());
  Statement insert = TRY(database.prepare("INSERT INTO announced_checkpoints VALUES (?, ?) ON CONFLICT DO NOTHING"));
  return insert.bind(static_cast<std::int64_t>(next.size)).bind(ByteView(next.root)).run();
}

Result<> confirm(Database& database, const CheckpointMark& last, bool in_token) {
  Statement update =
      TRY(database.prepare("UPDATE checkpoints SET size = ?, root = ?, in_token = ?, next_size = 0, next_root = x''"));
  TRY(update.bind(static_cast<std::int64_t>(last.size))
          .bind(ByteView(last.root))
          .bind(static_cast<std::int64_t>(in_token))
          .run());
  return TRY(database.prepare("DELETE FROM announced_checkpoints")).run();
}

Result<std::optional<OldState>> find_old_state(Database& database) {
  Statement row = TRY(database.prepare("SELECT lost_work, records, root, changes FROM old_state"));
  if (!TRY(row.step())) return std::nullopt;
  return OldState{row.text(0), static_cast<std::uint64_t>(row.integer(1)), row.blob(2),
                  static_cast<std::uint64_t>(row.integer(3))};
}

Result<> note_old_state(Database& database, const OldState& found) {
  Statement insert =
      TRY(database.prepare("INSERT INTO old_state (only_row, lost_work, records, root, changes) VALUES (1, ?, ?, ?, ?) "
                           "ON CONFLICT DO UPDATE SET lost_work = excluded.lost_work"));
  return insert.bind(found.lost_work)
      .bind(static_cast<std::int64_t>(found.records))
      .bind(ByteView(found.root))
      .bind(static_cast<std::int64_t>(found.changes))
      .run();
}

Result<> forget_old_state(Database& database) { return TRY(database.prepare("DELETE FROM old_state")).run(); }

Result<std::uint64_t> records_seen(Database& database) {
  Statement row = TRY(database.prepare("SELECT records FROM changes"));
  return TRY(row.step()) ? static_cast<std::uint64_t>(row.integer(0)) : std::uint64_t{0};
}

Result<> forget_records_seen(Database& database) {
  return TRY(database.prepare("UPDATE changes SET records = 0")).run();
}

}  // namespace hubseal::daemon::checkpoint_table
