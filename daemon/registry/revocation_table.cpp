#include "daemon/registry/revocation_table.h"

#include <fmt/format.h>

#include "daemon/registry/columns.h"

namespace hubseal::daemon::revocation_table {
namespace {

Result<RevocationRecord> read_row(const Statement& row) {
  RevocationRecord revocation{.ca = row.text(0), .serial = row.text(1), .at = time_from(row.integer(3))};
  revocation.suspended = row.integer(4) != 0;
  revocation.reason = TRY(word_to_value(ca::kRevocationReasons, row.text(2)));
  return revocation;
}

Result<> count_change(Database& database, const std::string& ca) {
  Statement count = TRY(database.prepare(
      "INSERT INTO revocation_changes VALUES (?1, 1) ON CONFLICT DO UPDATE SET changes = changes + 1"));
  return count.bind(ca).run();
}

/// Of every CA that has certified the participant.
Result<> count_changes_of(Database& database, const std::string& subject) {
  Statement count =
      TRY(database.prepare("INSERT INTO revocation_changes SELECT DISTINCT ca, 1 FROM certificates WHERE subject = ?1 "
                           "ON CONFLICT DO UPDATE SET changes = changes + 1"));
  return count.bind(subject).run();
}

constexpr std::string_view kHold = "r.reason = 'certificate_hold'";

/// `touched`: of a certificate c and its revocation r. An intent is marked as well, so that it is not finished, and
/// counts for nothing. What has ended counts, for the clock may be wrong.
std::string count_sql(std::string_view touched) {
  return fmt::format(
      "SELECT count(*) FROM certificates c LEFT JOIN revocations r ON r.ca = c.ca AND r.serial = c.serial "
      "WHERE c.subject = ?1 AND c.certificate IS NOT NULL AND {}",
      touched);
}

/// Without its bytes: from now on this number is taken.
Result<> add_number(Database& database, const CrlRecord& crl) {
  Statement insert =
      TRY(database.prepare("INSERT INTO crls (ca, number, change, this_update, next_update) VALUES (?, ?, ?, ?, ?)"));
  return insert.bind(crl.ca)
      .bind(crl.number)
      .bind(crl.change)
      .bind(seconds(crl.this_update))
      .bind(seconds(crl.next_update))
      .run();
}

}  // namespace

Result<> set(Database& database, const RevocationRecord& revocation) {
  Statement upsert =
      TRY(database.prepare("INSERT INTO revocations (ca, serial, reason, revoked_at) VALUES (?1, ?2, ?3, ?4) "
                           "ON CONFLICT DO UPDATE SET reason = ?3, revoked_at = ?4, suspended = 0"));
  TRY(upsert.bind(revocation.ca)
          .bind(revocation.serial)
          .bind(ca::to_string(revocation.reason))
          .bind(seconds(revocation.at))
          .run());
  return count_change(database, revocation.ca);
}

Result<> remove(Database& database, const std::string& ca, const std::string& serial) {
  Statement removal = TRY(database.prepare("DELETE FROM revocations WHERE ca = ? AND serial = ?"));
  TRY(removal.bind(ca).bind(serial).run());
  return count_change(database, ca);
}

Result<std::int64_t> suspend(Database& database, const std::string& subject, TimePoint now) {
  TRY(count_changes_of(database, subject));
  static const std::string sql = count_sql("r.serial IS NULL");
  Statement count = TRY(database.prepare(sql));
  TRY(count.bind(subject).step());
  Statement holds = TRY(database.prepare(
      "INSERT INTO revocations (ca, serial, reason, revoked_at, suspended) SELECT ca, serial, ?1, ?2, 1 "
      "FROM certificates WHERE subject = ?3 ON CONFLICT DO NOTHING"));
  TRY(holds.bind(ca::to_string(ca::RevocationReason::certificate_hold)).bind(seconds(now)).bind(subject).run());
  return count.integer(0);
}

Result<std::int64_t> resume(Database& database, const std::string& subject) {
  TRY(count_changes_of(database, subject));
  static const std::string sql = count_sql(fmt::format("r.suspended = 1 AND {}", kHold));
  Statement count = TRY(database.prepare(sql));
  TRY(count.bind(subject).step());
  Statement releases = TRY(database.prepare(
      "DELETE FROM revocations WHERE suspended = 1 AND reason = ?1 AND EXISTS (SELECT 1 FROM certificates c WHERE "
      "c.ca = revocations.ca AND c.serial = revocations.serial AND c.subject = ?2)"));
  TRY(releases.bind(ca::to_string(ca::RevocationReason::certificate_hold)).bind(subject).run());
  return count.integer(0);
}

Result<std::int64_t> off_board(Database& database, const std::string& subject, TimePoint now) {
  TRY(count_changes_of(database, subject));
  static const std::string sql = count_sql(fmt::format("(r.serial IS NULL OR {})", kHold));
  Statement count = TRY(database.prepare(sql));
  TRY(count.bind(subject).step());
  // What is on hold keeps its date (X.509 section 8.5.2).
  Statement ends = TRY(database.prepare(
      "INSERT INTO revocations (ca, serial, reason, revoked_at, suspended) SELECT ca, serial, ?1, ?2, 0 "
      "FROM certificates WHERE subject = ?3 "
      "ON CONFLICT DO UPDATE SET reason = ?1, suspended = 0 WHERE reason = ?4"));
  TRY(ends.bind(ca::to_string(ca::RevocationReason::cessation_of_operation))
          .bind(seconds(now))
          .bind(subject)
          .bind(ca::to_string(ca::RevocationReason::certificate_hold))
          .run());
  return count.integer(0);
}

Result<std::optional<RevocationRecord>> find(Database& database, const std::string& ca, const std::string& serial) {
  Statement row = TRY(database.prepare(
      "SELECT ca, serial, reason, revoked_at, suspended FROM revocations WHERE ca = ? AND serial = ?"));
  if (!TRY(row.bind(ca).bind(serial).step())) return std::nullopt;
  return TRY(read_row(row));
}

Result<std::vector<RevocationRecord>> list(Database& database, const std::string& ca, TimePoint then) {
  Statement rows = TRY(database.prepare(
      "SELECT r.ca, r.serial, r.reason, r.revoked_at, r.suspended FROM revocations r LEFT JOIN certificates c "
      "ON c.ca = r.ca AND c.serial = r.serial WHERE r.ca = ? AND (c.serial IS NULL OR c.not_after > ?) ORDER BY "
      "r.serial"));
  rows.bind(ca).bind(seconds(then));
  std::vector<RevocationRecord> revocations;
  while (TRY(rows.step())) revocations.push_back(TRY(read_row(rows)));
  return revocations;
}

Result<std::int64_t> changes(Database& database, const std::string& ca) {
  Statement row = TRY(database.prepare("SELECT changes FROM revocation_changes WHERE ca = ?"));
  return TRY(row.bind(ca).step()) ? row.integer(0) : std::int64_t{0};
}

Result<> take_over(Database& database, const CrlRecord& last, const std::vector<RevocationRecord>& entries) {
  for (const RevocationRecord& entry : entries) TRY(set(database, entry));
  return add_number(database, last);
}

Result<std::int64_t> last_number(Database& database, const std::string& ca) {
  Statement last = TRY(database.prepare("SELECT coalesce(max(number), 0) FROM crls WHERE ca = ?"));
  TRY(last.bind(ca).step());
  return last.integer(0);
}

Result<std::int64_t> reserve_crl(Database& database, const CrlRecord& crl) {
  CrlRecord next = crl;
  next.number = TRY(last_number(database, crl.ca)) + 1;
  TRY(add_number(database, next));
  return next.number;
}

Result<> skip_crl_numbers(Database& database, std::int64_t count) {
  Statement insert =
      TRY(database.prepare("INSERT INTO crls (ca, number, change, this_update, next_update, der) "
                           "SELECT name, coalesce(max(number), 0) + ?, 0, 0, 0, NULL FROM cas JOIN keys ON label = key "
                           "LEFT JOIN crls ON ca = name WHERE compromised_at IS NULL GROUP BY name"));
  TRY(insert.bind(count).run());
  TRY(TRY(database.prepare("UPDATE crls SET der = NULL WHERE ca IN (SELECT name FROM cas JOIN keys ON label = key "
                           "WHERE compromised_at IS NULL)"))
          .run());
  // The lists that are there may be older than those that were given: new ones are made at once.
  return TRY(database.prepare("INSERT INTO revocation_changes (ca, changes) SELECT name, 1 FROM cas JOIN keys ON label "
                              "= key WHERE compromised_at IS NULL ON CONFLICT DO UPDATE SET changes = changes + 1"))
      .run();
}

Result<> complete_crl(Database& database, const CrlRecord& crl) {
  Statement update = TRY(database.prepare("UPDATE crls SET der = ? WHERE ca = ? AND number = ?"));
  TRY(update.bind(ByteView(crl.der)).bind(crl.ca).bind(crl.number).run());
  // Only the newest is ever served; the numbers of the others stay, without their bytes.
  Statement older = TRY(database.prepare("UPDATE crls SET der = NULL WHERE ca = ? AND number < ?"));
  return older.bind(crl.ca).bind(crl.number).run();
}

Result<std::optional<CrlRecord>> latest_crl(Database& database, const std::string& ca) {
  Statement row =
      TRY(database.prepare("SELECT ca, number, change, this_update, next_update, der FROM crls WHERE ca = ? AND der IS "
                           "NOT NULL ORDER BY number DESC LIMIT 1"));
  if (!TRY(row.bind(ca).step())) return std::nullopt;
  return CrlRecord{.ca = row.text(0),
                   .number = row.integer(1),
                   .change = row.integer(2),
                   .this_update = time_from(row.integer(3)),
                   .next_update = time_from(row.integer(4)),
                   .der = row.blob(5)};
}

}  // namespace hubseal::daemon::revocation_table
