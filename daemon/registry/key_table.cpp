#include "daemon/registry/key_table.h"

#include "daemon/registry/columns.h"

namespace hubseal::daemon {

std::string_view to_string(KeyUse use) {
  for (const auto& [name, value] : kKeyUses)
    if (value == use) return name;
  return "unknown";
}

namespace key_table {

Result<> add(Database& database, const KeyRecord& key) {
  Statement insert =
      TRY(database.prepare("INSERT INTO keys (label, key_id, type, use, created_at) VALUES (?, ?, ?, ?, ?)"));
  return insert.bind(key.label)
      .bind(ByteView(key.id))
      .bind(to_string(key.type))
      .bind(to_string(key.use))
      .bind(seconds(key.created_at))
      .run();
}

Result<std::vector<KeyRecord>> list(Database& database) {
  Statement rows =
      TRY(database.prepare("SELECT label, key_id, type, use, created_at FROM keys ORDER BY created_at, label"));
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

}  // namespace key_table
}  // namespace hubseal::daemon
