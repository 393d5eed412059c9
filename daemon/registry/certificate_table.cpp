#include "daemon/registry/certificate_table.h"

#include <fmt/format.h>

#include "daemon/registry/columns.h"

namespace hubseal::daemon::certificate_table {
namespace {

constexpr std::string_view kColumns =
    "row, ca, serial, profile, subject, peer, request, content_hash, key_id, distinguished_name, "
    "not_before, not_after, tbs, algorithm, certificate, approval, key_core, names_hash, "
    "(SELECT reason FROM revocations r WHERE r.ca = certificates.ca AND r.serial = certificates.serial), "
    "(SELECT revoked_at FROM revocations r WHERE r.ca = certificates.ca AND r.serial = certificates.serial), cross, "
    "approvals_needed";

CertificateRecord read_row(const Statement& row) {
  return {.row = row.integer(0),
          .ca = row.text(1),
          .serial = row.text(2),
          .profile = row.text(3),
          .subject = row.text(4),
          .peer = row.text(5),
          .request = row.text(6),
          .approval = row.text(15),
          .content_hash = row.blob(7),
          .key_id = key_id_from(row.blob(8)),
          .key_core = key_id_from(row.blob(16)),
          .names_hash = row.blob(17),
          .distinguished_name = row.text(9),
          .not_before = time_from(row.integer(10)),
          .not_after = time_from(row.integer(11)),
          .tbs = row.blob(12),
          .algorithm = static_cast<SignatureAlgorithm>(row.integer(13)),
          .certificate = row.blob(14),
          .revoked = row.text(18),
          .revoked_at = time_from(row.integer(19)),
          .approvals_needed = row.integer(21),
          .cross = row.integer(20) != 0};
}

Result<std::optional<CertificateRecord>> first_row(Statement statement) {
  if (!TRY(statement.step())) return std::nullopt;
  return read_row(statement);
}

/// Who else had the key certified is told to nobody but that participant.
Result<> refuse_known_key(Database& database, const CertificateRecord& intent) {
  Statement known =
      TRY(database.prepare("SELECT subject, serial, request FROM certificates WHERE (cross = 0 AND key_id = ?1) OR "
                           "(cross = 0 AND key_core = ?2)"));
  if (!TRY(known.bind(ByteView(intent.key_id)).bind(ByteView(intent.key_core)).step())) return {};
  const std::string where = known.text(0) == intent.subject
                                ? fmt::format(" (serial {}, request {})", known.text(1), known.text(2))
                                : std::string();
  return fail(Code::policy_denied, fmt::format("PKI-8: public key {} was certified before{}; wanted a new key",
                                               to_hex(intent.key_id), where));
}

Result<> insert_intent(Database& database, const CertificateRecord& intent) {
  Statement insert = TRY(database.prepare(
      "INSERT INTO certificates (ca, serial, profile, subject, peer, request, content_hash, key_id, "
      "distinguished_name, not_before, not_after, tbs, algorithm, approval, key_core, names_hash, cross, "
      "approvals_needed) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"));
  return insert.bind(intent.ca)
      .bind(intent.serial)
      .bind(intent.profile)
      .bind(intent.subject)
      .bind(intent.peer)
      .bind(intent.request)
      .bind(ByteView(intent.content_hash))
      .bind(ByteView(intent.key_id))
      .bind(intent.distinguished_name)
      .bind(seconds(intent.not_before))
      .bind(seconds(intent.not_after))
      .bind(ByteView(intent.tbs))
      .bind(static_cast<std::int64_t>(intent.algorithm))
      .bind(intent.approval)
      .bind(ByteView(intent.key_core))
      .bind(ByteView(intent.names_hash))
      .bind(static_cast<std::int64_t>(intent.cross))
      .bind(intent.approvals_needed)
      .run();
}

}  // namespace

Result<> raise_approval(Database& database, const CertificateRecord& intent) {
  Statement update =
      TRY(database.prepare("UPDATE certificates SET approval = ?, approvals_needed = ? WHERE ca = ? AND serial = ?"));
  return update.bind(intent.approval).bind(intent.approvals_needed).bind(intent.ca).bind(intent.serial).run();
}

Result<> reserve(Database& database, const CertificateRecord& intent) {
  if (!intent.cross) TRY(refuse_known_key(database, intent));
  TRY(insert_intent(database, intent));
  Statement clock =
      TRY(database.prepare("INSERT INTO clock VALUES (1, ?1) ON CONFLICT DO UPDATE SET latest = ?1 WHERE latest < ?1"));
  return clock.bind(seconds(intent.not_before)).run();
}

Result<bool> complete(Database& database, const std::string& ca, const std::string& serial, ByteView certificate) {
  Statement update = TRY(
      database.prepare("UPDATE certificates SET certificate = ? WHERE ca = ? AND serial = ? AND certificate IS NULL"));
  TRY(update.bind(certificate).bind(ca).bind(serial).run());
  return database.changes() == 1;
}

Result<std::optional<CertificateRecord>> find(Database& database, const std::string& ca, const std::string& serial) {
  static const std::string sql = fmt::format("SELECT {} FROM certificates WHERE ca = ? AND serial = ?", kColumns);
  Statement statement = TRY(database.prepare(sql));
  statement.bind(ca).bind(serial);
  return first_row(std::move(statement));
}

Result<std::optional<std::string>> first_beginning(Database& database, const std::string& ca,
                                                   const std::string& serial) {
  // By the index over (ca, serial): 'g' comes after every hexadecimal digit.
  Statement row = TRY(database.prepare(
      "SELECT serial FROM certificates WHERE ca = ?1 AND serial >= ?2 AND serial < ?2 || 'g' ORDER BY serial LIMIT 1"));
  if (!TRY(row.bind(ca).bind(serial).step())) return std::nullopt;
  return row.text(0);
}

Result<std::optional<CertificateRecord>> find_request(Database& database, const std::string& peer,
                                                      const std::string& request) {
  static const std::string sql = fmt::format("SELECT {} FROM certificates WHERE peer = ? AND request = ?", kColumns);
  Statement statement = TRY(database.prepare(sql));
  statement.bind(peer).bind(request);
  return first_row(std::move(statement));
}

std::string_view list_sql(const CertificateQuery& query) {
  // A text for each choice of filters: with one for all of them SQLite would read the whole table to find nothing.
  const auto text = [](std::string_view filter) {
    return fmt::format("SELECT {} FROM certificates WHERE row > ? {} ORDER BY row LIMIT ?", kColumns, filter);
  };
  static const std::string all = text(""), of_ca = text("AND ca = ?"), of_subject = text("AND subject = ?"),
                           of_both = text("AND ca = ? AND subject = ?");
  if (query.ca) return query.subject ? of_both : of_ca;
  return query.subject ? of_subject : all;
}

Result<std::vector<CertificateRecord>> list(Database& database, const CertificateQuery& query) {
  Statement rows = TRY(database.prepare(list_sql(query)));
  rows.bind(query.after);
  if (query.ca) rows.bind(*query.ca);
  if (query.subject) rows.bind(*query.subject);
  rows.bind(query.limit);
  std::vector<CertificateRecord> records;
  while (TRY(rows.step())) records.push_back(read_row(rows));
  return records;
}

Result<std::optional<CertificateRecord>> newest_like(Database& database, const CertificateRecord& like,
                                                     TimePoint intents_after) {
  static const std::string sql = fmt::format(
      "SELECT {} FROM certificates WHERE subject = ? AND profile = ? AND names_hash = ? AND ca = ? AND serial <> ? AND "
      "(certificate IS NOT NULL OR not_before > ?) AND NOT EXISTS (SELECT 1 FROM revocations r WHERE r.ca = "
      "certificates.ca AND r.serial = certificates.serial) ORDER BY not_before DESC LIMIT 1",
      kColumns);
  Statement statement = TRY(database.prepare(sql));
  statement.bind(like.subject)
      .bind(like.profile)
      .bind(ByteView(like.names_hash))
      .bind(like.ca)
      .bind(like.serial)
      .bind(seconds(intents_after));
  return first_row(std::move(statement));
}

Result<std::optional<CertificateRecord>> latest(Database& database, const std::string& subject,
                                                const std::string& profile, TimePoint then,
                                                const std::string& other_than) {
  static const std::string sql = fmt::format(
      "SELECT {} FROM certificates WHERE subject = ? AND profile = ? AND certificate IS NOT NULL AND not_before <= ? "
      "AND serial <> ? ORDER BY row DESC LIMIT 1",
      kColumns);
  Statement statement = TRY(database.prepare(sql));
  statement.bind(subject).bind(profile).bind(seconds(then)).bind(other_than);
  return first_row(std::move(statement));
}

Result<std::vector<CertificateRecord>> list_cross(Database& database) {
  static const std::string sql = fmt::format("SELECT {} FROM certificates WHERE cross = 1 ORDER BY row", kColumns);
  Statement rows = TRY(database.prepare(sql));
  std::vector<CertificateRecord> certificates;
  while (TRY(rows.step())) certificates.push_back(read_row(rows));
  return certificates;
}

Result<std::optional<CertificateRecord>> find_key(Database& database, const KeyId& key) {
  static const std::string sql = fmt::format("SELECT {} FROM certificates WHERE cross = 0 AND key_id = ?", kColumns);
  Statement statement = TRY(database.prepare(sql));
  statement.bind(ByteView(key));
  return first_row(std::move(statement));
}

Result<std::optional<TimePoint>> latest_time(Database& database) {
  Statement row = TRY(database.prepare("SELECT latest FROM clock"));
  if (!TRY(row.step())) return std::nullopt;
  return time_from(row.integer(0));
}

}  // namespace hubseal::daemon::certificate_table
