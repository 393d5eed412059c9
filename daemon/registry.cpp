#include "daemon/registry.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/x509/subject_alt_names.h"
#include "daemon/registry_schema.h"

namespace hubseal::daemon {
namespace {

constexpr std::int64_t kSchemaVersion = 1;

std::int64_t seconds(TimePoint time) { return time.time_since_epoch().count(); }
TimePoint time_from(std::int64_t seconds) { return TimePoint(std::chrono::seconds(seconds)); }

KeyId key_id_from(const Bytes& bytes) {
  KeyId id{};
  std::copy_n(bytes.begin(), std::min(bytes.size(), id.size()), id.begin());
  return id;
}

template <class Table>
auto word_to_value(const Table& table, const std::string& word)
    -> Result<std::remove_cvref_t<decltype(table[0].second)>> {
  for (const auto& [name, value] : table)
    if (name == word) return value;
  return fail(Code::internal, fmt::format("registry holds the unknown word \"{}\"", word));
}

constexpr std::string_view kCertificateColumns =
    "row, ca, serial, profile, subject, peer, request, content_hash, key_id, distinguished_name, "
    "not_before, not_after, tbs, algorithm, certificate";

CertificateRecord read_certificate(const Statement& row) {
  return {.row = row.integer(0),
          .ca = row.text(1),
          .serial = row.text(2),
          .profile = row.text(3),
          .subject = row.text(4),
          .peer = row.text(5),
          .request = row.text(6),
          .content_hash = row.blob(7),
          .key_id = key_id_from(row.blob(8)),
          .distinguished_name = row.text(9),
          .not_before = time_from(row.integer(10)),
          .not_after = time_from(row.integer(11)),
          .tbs = row.blob(12),
          .algorithm = static_cast<SignatureAlgorithm>(row.integer(13)),
          .certificate = row.blob(14)};
}

CaRecord read_ca(const Statement& row) {
  return {
      .name = row.text(0), .key = row.text(1), .profile = row.text(2), .certificate = row.blob(3), .csr = row.blob(4)};
}

Result<std::optional<CertificateRecord>> first_certificate(Statement statement) {
  if (!TRY(statement.step())) return std::nullopt;
  return read_certificate(statement);
}

/// A wildcard stands for every name one label below it, whoever asked first.
Result<> refuse_overlap(Database& database, const std::string& name, const std::string& subject) {
  const bool wildcard = x509::is_wildcard(name);
  // "*.example.com" is a GLOB pattern as it stands, for the names below and for deeper ones.
  const std::string other = wildcard ? name : "*" + name.substr(std::min(name.find('.'), name.size()));
  Statement overlap = TRY(database.prepare(
      wildcard
          ? "SELECT 1 FROM names WHERE kind = 'dns' AND value GLOB ?1 AND NOT value GLOB '*.' || ?1 AND subject <> ?2"
          : "SELECT 1 FROM names WHERE kind = 'dns' AND value = ?1 AND subject <> ?2"));
  if (!TRY(overlap.bind(other).bind(subject).step())) return {};
  return fail(Code::conflict,
              fmt::format("PKI-5: dns {} overlaps with a name of another participant than {}", name, subject));
}

/// Gives the participant this name, unless it belongs to another (PKI-5).
Result<> claim(Database& database, const ca::ClaimedName& name, const std::string& subject) {
  Statement owner = TRY(database.prepare("SELECT subject FROM names WHERE kind = ? AND value = ?"));
  const std::string_view kind = to_string(name.kind);
  if (TRY(owner.bind(kind).bind(name.value).step())) {
    if (owner.text(0) == subject) return {};
    return fail(Code::conflict,
                fmt::format("PKI-5: {} {} was certified for another participant than {}", kind, name.value, subject));
  }
  if (name.kind == ca::NameKind::dns) TRY(refuse_overlap(database, name.value, subject));
  Statement insert = TRY(database.prepare("INSERT INTO names (kind, value, subject) VALUES (?, ?, ?)"));
  return insert.bind(kind).bind(name.value).bind(subject).run();
}

/// Who else had the key certified is told to nobody but that participant.
Result<> refuse_known_key(Database& database, const CertificateRecord& intent) {
  Statement known = TRY(database.prepare("SELECT subject, serial, request FROM certificates WHERE key_id = ?"));
  if (!TRY(known.bind(ByteView(intent.key_id)).step())) return {};
  const std::string where = known.text(0) == intent.subject
                                ? fmt::format(" (serial {}, request {})", known.text(1), known.text(2))
                                : std::string();
  return fail(Code::policy_denied, fmt::format("PKI-8: public key {} was certified before{}; wanted a new key",
                                               to_hex(intent.key_id), where));
}

Result<> insert_intent(Database& database, const CertificateRecord& intent) {
  Statement insert = TRY(database.prepare(
      "INSERT INTO certificates (ca, serial, profile, subject, peer, request, content_hash, key_id, "
      "distinguished_name, not_before, not_after, tbs, algorithm) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"));
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
      .run();
}

Result<> check_version(Database& database) {
  Statement statement = TRY(database.prepare("PRAGMA user_version"));
  TRY(statement.step());
  const std::int64_t found = statement.integer(0);
  if (found > kSchemaVersion)
    return fail(Code::storage_unavailable, fmt::format("registry has version {}, this hubseald knows {}; it was "
                                                       "written by a newer one",
                                                       found, kSchemaVersion));
  return {};
}

}  // namespace

std::string_view to_string(KeyUse use) {
  for (const auto& [name, value] : kKeyUses)
    if (value == use) return name;
  return "unknown";
}

Registry::Registry(Database writer, Database reader)
    : writer_(std::move(writer)),
      reader_(std::move(reader)),
      commit_([this](std::span<Write* const> batch) { flush(batch); }) {}

Result<std::unique_ptr<Registry>> Registry::open(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "registry.sqlite";
  Database writer = TRY(Database::open(path));
  TRY(check_version(writer));
  TRY(writer.execute(kRegistrySchema));
  TRY(writer.execute("PRAGMA user_version = 1"));
  Database reader = TRY(Database::open(path));
  return std::unique_ptr<Registry>(new Registry(std::move(writer), std::move(reader)));
}

Result<> Registry::write(std::function<Result<>(Database&)> work) {
  Write item;
  item.work = std::move(work);
  commit_.enqueue(item);
  commit_.wait(item);
  return item.result;
}

// One transaction for all, a savepoint for each: a writer that is refused takes nobody with it, and
// nobody is told of success before COMMIT has reached the disk.
void Registry::flush(std::span<Write* const> batch) {
  auto begun = writer_.execute("BEGIN IMMEDIATE");
  for (Write* item : batch) {
    item->result = begun;
    if (!begun) continue;
    item->result = writer_.execute("SAVEPOINT one");
    if (!item->result) continue;
    item->result = item->work(writer_);
    if (!item->result) writer_.execute("ROLLBACK TO one");
    if (const auto released = writer_.execute("RELEASE one"); !released) item->result = released;
  }
  if (!begun) return;
  const auto committed = writer_.execute("COMMIT");
  if (committed) return;
  writer_.execute("ROLLBACK");
  for (Write* item : batch)
    if (item->result) item->result = committed;
}

Result<> Registry::add_key(const KeyRecord& key) {
  return write([&](Database& database) -> Result<> {
    Statement insert =
        TRY(database.prepare("INSERT INTO keys (label, key_id, type, use, created_at) VALUES (?, ?, ?, ?, ?)"));
    return insert.bind(key.label)
        .bind(ByteView(key.id))
        .bind(to_string(key.type))
        .bind(to_string(key.use))
        .bind(seconds(key.created_at))
        .run();
  });
}

Result<std::vector<KeyRecord>> Registry::keys() {
  auto reader = reader_.lock();
  Statement rows =
      TRY(reader->prepare("SELECT label, key_id, type, use, created_at FROM keys ORDER BY created_at, label"));
  std::vector<KeyRecord> keys;
  while (TRY(rows.step())) {
    KeyRecord key;
    key.label = rows.text(0);
    key.id = key_id_from(rows.blob(1));
    key.type = TRY(word_to_value(kKeyTypes, rows.text(2)));
    key.use = TRY(word_to_value(kKeyUses, rows.text(3)));
    key.created_at = time_from(rows.integer(4));
    keys.push_back(std::move(key));
  }
  return keys;
}

Result<> Registry::add_ca(const CaRecord& ca) {
  return write([&](Database& database) -> Result<> {
    Statement insert =
        TRY(database.prepare("INSERT INTO cas (name, key, profile, certificate, csr) VALUES (?, ?, ?, ?, ?)"));
    return insert.bind(ca.name)
        .bind(ca.key)
        .bind(ca.profile)
        .bind(ByteView(ca.certificate))
        .bind(ByteView(ca.csr))
        .run();
  });
}

Result<std::vector<CaRecord>> Registry::cas() {
  auto reader = reader_.lock();
  Statement rows = TRY(reader->prepare("SELECT name, key, profile, certificate, csr FROM cas ORDER BY name"));
  std::vector<CaRecord> cas;
  while (TRY(rows.step())) cas.push_back(read_ca(rows));
  return cas;
}

Result<std::optional<CaRecord>> Registry::find_ca(const std::string& name) {
  auto reader = reader_.lock();
  Statement row = TRY(reader->prepare("SELECT name, key, profile, certificate, csr FROM cas WHERE name = ?"));
  if (!TRY(row.bind(name).step())) return std::nullopt;
  return read_ca(row);
}

Result<> Registry::reserve(const CertificateRecord& intent, const std::vector<ca::ClaimedName>& names) {
  return write([&](Database& database) -> Result<> {
    TRY(refuse_known_key(database, intent));
    for (const ca::ClaimedName& name : names) TRY(claim(database, name, intent.subject));
    TRY(insert_intent(database, intent));
    Statement clock =
        TRY(database.prepare("INSERT INTO clock VALUES (1, ?1) ON CONFLICT DO UPDATE SET latest = "
                             "max(latest, ?1)"));
    return clock.bind(seconds(intent.not_before)).run();
  });
}

Result<bool> Registry::complete(const std::string& ca, const std::string& serial, ByteView certificate) {
  bool written = false;
  TRY(write([&](Database& database) -> Result<> {
    Statement update = TRY(database.prepare(
        "UPDATE certificates SET certificate = ? WHERE ca = ? AND serial = ? AND certificate IS NULL"));
    TRY(update.bind(certificate).bind(ca).bind(serial).run());
    written = database.changes() == 1;
    return {};
  }));
  return written;
}

Result<std::optional<CertificateRecord>> Registry::find_certificate(const std::string& ca, const std::string& serial) {
  static const std::string sql =
      fmt::format("SELECT {} FROM certificates WHERE ca = ? AND serial = ?", kCertificateColumns);
  auto reader = reader_.lock();
  Statement statement = TRY(reader->prepare(sql));
  statement.bind(ca).bind(serial);
  return first_certificate(std::move(statement));
}

Result<std::optional<CertificateRecord>> Registry::find_request(const std::string& peer, const std::string& request) {
  static const std::string sql =
      fmt::format("SELECT {} FROM certificates WHERE peer = ? AND request = ?", kCertificateColumns);
  auto reader = reader_.lock();
  Statement statement = TRY(reader->prepare(sql));
  statement.bind(peer).bind(request);
  return first_certificate(std::move(statement));
}

Result<std::vector<CertificateRecord>> Registry::list_certificates(const CertificateQuery& query) {
  static const std::string sql = fmt::format(
      "SELECT {} FROM certificates WHERE row > ?1 AND (?2 IS NULL OR ca = ?2) AND (?3 IS NULL OR subject = ?3) "
      "ORDER BY row LIMIT ?4",
      kCertificateColumns);
  auto reader = reader_.lock();
  Statement rows = TRY(reader->prepare(sql));
  rows.bind(query.after);
  query.ca ? rows.bind(*query.ca) : rows.bind_null();
  query.subject ? rows.bind(*query.subject) : rows.bind_null();
  rows.bind(query.limit);
  std::vector<CertificateRecord> records;
  while (TRY(rows.step())) records.push_back(read_certificate(rows));
  return records;
}

Result<std::optional<TimePoint>> Registry::latest_time() {
  auto reader = reader_.lock();
  Statement row = TRY(reader->prepare("SELECT latest FROM clock"));
  if (!TRY(row.step())) return std::nullopt;
  return time_from(row.integer(0));
}

}  // namespace hubseal::daemon
