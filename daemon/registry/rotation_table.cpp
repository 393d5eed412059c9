#include "daemon/registry/rotation_table.h"

#include "daemon/registry/columns.h"

namespace hubseal::daemon {

std::string_view to_string(RotationStep step) {
  for (const auto& [word, value] : kRotationSteps)
    if (value == step) return word;
  return "unknown";
}

namespace rotation_table {
namespace {

std::int64_t number(std::chrono::hours hours) { return static_cast<std::int64_t>(hours.count()); }

void bind_progress(Statement& statement, const RotationRecord& rotation) {
  statement.bind(to_string(rotation.step)).bind(seconds(rotation.since));
  statement.bind(static_cast<std::int64_t>(rotation.wait.count()));
  if (rotation.due_at)
    statement.bind(seconds(*rotation.due_at));
  else
    statement.bind_null();
}

}  // namespace

Result<> add(Database& database, const RotationRecord& rotation) {
  Statement insert = TRY(database.prepare(
      "INSERT INTO rotations (step, since, wait, due_at, successor, predecessor, started_at, activate_hours, "
      "retire_hours, destroy_hours, overlap_hours) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  bind_progress(insert, rotation);
  insert.bind(rotation.successor).bind(rotation.predecessor).bind(seconds(rotation.started_at));
  const RotationPlan& plan = rotation.plan;
  for (const auto hours : {plan.activate, plan.retire, plan.destroy, plan.overlap}) insert.bind(number(hours));
  return insert.run();
}

Result<> update(Database& database, const RotationRecord& rotation) {
  Statement update =
      TRY(database.prepare("UPDATE rotations SET step = ?, since = ?, wait = ?, due_at = ? WHERE successor = ?"));
  bind_progress(update, rotation);
  return update.bind(rotation.successor).run();
}

Result<std::vector<RotationRecord>> list(Database& database) {
  Statement rows = TRY(database.prepare(
      "SELECT successor, predecessor, step, started_at, since, wait, due_at, activate_hours, retire_hours, "
      "destroy_hours, overlap_hours FROM rotations ORDER BY row"));
  std::vector<RotationRecord> rotations;
  while (TRY(rows.step())) {
    const auto hours = [&](int column) { return std::chrono::hours(rows.integer(column)); };
    RotationRecord rotation{.predecessor = rows.text(1),
                            .successor = rows.text(0),
                            .step = TRY(word_to_value(kRotationSteps, rows.text(2))),
                            .started_at = time_from(rows.integer(3)),
                            .since = time_from(rows.integer(4)),
                            .plan = {hours(7), hours(8), hours(9), hours(10)},
                            .due_at = {},
                            .wait = std::chrono::seconds(rows.integer(5))};
    if (!rows.is_null(6)) rotation.due_at = time_from(rows.integer(6));
    rotations.push_back(std::move(rotation));
  }
  return rotations;
}

}  // namespace rotation_table
}  // namespace hubseal::daemon
