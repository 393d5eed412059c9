#include "daemon/registry/subject_table.h"

#include "daemon/registry/columns.h"

namespace hubseal::daemon {

std::string_view to_string(SubjectStatus status) {
  for (const auto& [name, value] : kSubjectStatuses)
    if (value == status) return name;
  return "unknown";
}

namespace subject_table {
namespace {

Result<SubjectRecord> read_row(const Statement& row) {
  SubjectRecord subject{.id = row.text(0),
                        .organization = row.text(1),
                        .country = row.text(2),
                        .created_at = time_from(row.integer(4)),
                        .status_changes = row.integer(5)};
  subject.status = TRY(word_to_value(kSubjectStatuses, row.text(3)));
  return subject;
}

}  // namespace

Result<> set(Database& database, const SubjectRecord& subject) {
  Statement upsert = TRY(
      database.prepare("INSERT INTO subjects (id, organization, country, status, created_at) VALUES (?1,?2,?3,?4,?5) "
                       "ON CONFLICT DO UPDATE SET organization = ?2, country = ?3"));
  return upsert.bind(subject.id)
      .bind(subject.organization)
      .bind(subject.country)
      .bind(to_string(subject.status))
      .bind(seconds(subject.created_at))
      .run();
}

Result<bool> set_status(Database& database, const std::string& id, SubjectStatus status) {
  Statement update = TRY(database.prepare(
      "UPDATE subjects SET status = ?1, status_changes = status_changes + (status <> ?1) WHERE id = ?2"));
  TRY(update.bind(to_string(status)).bind(id).run());
  return database.changes() == 1;
}

Result<std::optional<SubjectRecord>> find(Database& database, const std::string& id) {
  Statement row = TRY(database.prepare(
      "SELECT id, organization, country, status, created_at, status_changes FROM subjects WHERE id = ?"));
  if (!TRY(row.bind(id).step())) return std::nullopt;
  return TRY(read_row(row));
}

Result<std::optional<std::string>> find_alike(Database& database, const std::string& id) {
  Statement row = TRY(database.prepare("SELECT id FROM subjects WHERE id = ? COLLATE NOCASE"));
  if (!TRY(row.bind(id).step())) return std::nullopt;
  return row.text(0);
}

Result<std::vector<SubjectRecord>> list(Database& database, const std::string& after, std::int64_t limit) {
  Statement rows = TRY(database.prepare(
      "SELECT id, organization, country, status, created_at, status_changes FROM subjects WHERE id > ? ORDER BY id "
      "LIMIT ?"));
  rows.bind(after).bind(limit);
  std::vector<SubjectRecord> subjects;
  while (TRY(rows.step())) subjects.push_back(TRY(read_row(rows)));
  return subjects;
}

}  // namespace subject_table
}  // namespace hubseal::daemon
