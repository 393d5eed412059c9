#include "daemon/registry/key_table.h"

#include "common/jose/jwk.h"
#include "daemon/registry/columns.h"

namespace hubseal::daemon {
namespace {

template <class Table, class Value>
std::string_view word_of(const Table& table, Value wanted) {
  for (const auto& [word, value] : table)
    if (value == wanted) return word;
  return "unknown";
}

}  // namespace

std::string_view to_string(KeyUse use) { return word_of(kKeyUses, use); }
std::string_view to_string(KeyLife life) { return word_of(kKeyLives, life); }
std::string_view to_string(KeyBackup backup) { return word_of(kKeyBackups, backup); }

namespace key_table {

Result<> add(Database& database, const KeyRecord& key) {
  Statement insert =
      TRY(database.prepare("INSERT INTO keys (label, key_id, type, use, created_at, life, changed_at, backup, "
                           "algorithm) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  return insert.bind(key.label)
      .bind(ByteView(key.id))
      .bind(to_string(key.type))
      .bind(to_string(key.use))
      .bind(seconds(key.created_at))
      .bind(to_string(key.life))
      .bind(seconds(key.changed_at))
      .bind(to_string(key.backup))
      .bind(key.algorithm ? jose::jws_algorithm(*key.algorithm) : "")
      .run();
}

Result<> update(Database& database, const KeyRecord& key) {
  Statement update =
      TRY(database.prepare("UPDATE keys SET life = ?, changed_at = ?, backup = ?, destroy_wait = ?, "
                           "destruction_begun = ?, destroy_at = ?, compromised_at = ? WHERE label = ?"));
  update.bind(to_string(key.life)).bind(seconds(key.changed_at)).bind(to_string(key.backup));
  update.bind(static_cast<std::int64_t>(key.destroy_wait.count())).bind(std::int64_t{key.destruction_begun});
  for (const auto& time : {key.destroy_at, key.compromised_at})
    if (time)
      update.bind(seconds(*time));
    else
      update.bind_null();
  return update.bind(key.label).run();
}

Result<std::vector<KeyRecord>> list(Database& database) {
  Statement rows = TRY(database.prepare(
      "SELECT label, key_id, type, use, created_at, life, changed_at, backup, destroy_at, destroy_wait, "
      "compromised_at, destruction_begun, algorithm FROM keys ORDER BY created_at, label"));
  std::vector<KeyRecord> keys;
  while (TRY(rows.step())) {
    KeyRecord key;
    key.label = rows.text(0);
    key.id = key_id_from(rows.blob(1));
    key.type = TRY(word_to_value(kKeyTypes, rows.text(2)));
    key.use = TRY(word_to_value(kKeyUses, rows.text(3)));
    key.created_at = time_from(rows.integer(4));
    key.life = TRY(word_to_value(kKeyLives, rows.text(5)));
    key.changed_at = time_from(rows.integer(6));
    key.backup = TRY(word_to_value(kKeyBackups, rows.text(7)));
    if (!rows.is_null(8)) key.destroy_at = time_from(rows.integer(8));
    key.destroy_wait = std::chrono::seconds(rows.integer(9));
    if (!rows.is_null(10)) key.compromised_at = time_from(rows.integer(10));
    key.destruction_begun = rows.integer(11) != 0;
    if (const std::string word = rows.text(12); !word.empty())
      key.algorithm = TRY(word_to_value(jose::kJwsAlgorithms, word));
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace key_table
}  // namespace hubseal::daemon
