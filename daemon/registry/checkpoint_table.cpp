#include "daemon/registry/checkpoint_table.h"

namespace hubseal::daemon::checkpoint_table {

Result<std::optional<CheckpointMarks>> find(Database& database) {
  Statement row = TRY(database.prepare("SELECT size, root, next_size, next_root, in_token FROM checkpoints"));
  if (!TRY(row.step())) return std::nullopt;
  CheckpointMarks marks{{static_cast<std::uint64_t>(row.integer(0)), row.blob(1)}, std::nullopt, row.integer(4) != 0};
  const CheckpointMark next{static_cast<std::uint64_t>(row.integer(2)), row.blob(3)};
  if (!next.root.empty()) marks.next = next;
  return marks;
}

Result<> announce(Database& database, const CheckpointMark& next) {
  Statement upsert = TRY(database.prepare(
      "INSERT INTO checkpoints (only_row, size, root, next_size, next_root) VALUES (1, 0, x'', ?1, ?2) "
      "ON CONFLICT DO UPDATE SET next_size = ?1, next_root = ?2"));
  return upsert.bind(static_cast<std::int64_t>(next.size)).bind(ByteView(next.root)).run();
}

Result<> confirm(Database& database, const CheckpointMark& last, bool in_token) {
  Statement update =
      TRY(database.prepare("UPDATE checkpoints SET size = ?, root = ?, in_token = ?, next_size = 0, next_root = x''"));
  return update.bind(static_cast<std::int64_t>(last.size))
      .bind(ByteView(last.root))
      .bind(static_cast<std::int64_t>(in_token))
      .run();
}

}  // namespace hubseal::daemon::checkpoint_table
