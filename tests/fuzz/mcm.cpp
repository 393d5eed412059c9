// What an operator exports of a Connection Manager: first byte 'd' for a dump, any other for the KV store as JSON. A
// dump that is read has rows as wide as their tables, of text that a database can store; a key that is found is only
// named.
#include <algorithm>

#include "agent/mcm/mysql_dump.h"
#include "agent/mcm/vault_export.h"
#include "tests/fuzz/fuzz.h"

using namespace hubseal::agent::mcm;

namespace {

void look_at(const DumpTable& table) {
  MUST_HOLD(!table.columns.empty());
  for (const auto& row : table.rows) {
    MUST_HOLD(row.size() == table.columns.size());
    for (const auto& value : row)
      MUST_HOLD(!value ||
                (value->size() <= kMaxDumpTextBytes + 1 && value->find('\0') == std::string::npos && is_utf8(*value)));
  }
}

void look_at(const VaultExport& vault) {
  for (const VaultRecord& record : vault.records) {
    MUST_HOLD(!record.path.starts_with('/'));
    MUST_HOLD(record.kind.empty() || record.path.starts_with(record.kind));
    const bool of_enrollment = record.kind.ends_with("-enrollment");
    MUST_HOLD(!of_enrollment || record.names.size() == 2);
    MUST_HOLD(record.kind.starts_with("hub-") || record.kind.empty() || !record.names.empty());
  }
  for (const FoundKey& key : vault.private_keys) MUST_HOLD(key.kind.size() <= 32);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  if (text.empty()) return 0;
  if (text.front() != 'd') {
    if (const auto vault = VaultExport::parse(text.substr(1))) look_at(*vault);
    return 0;
  }
  std::string whole(text.substr(1));
  if (whole.find("\n-- Dump completed") == std::string::npos) whole += "\n-- Dump completed\n";
  if (const auto dump = MysqlDump::parse(whole))
    for (const auto& [name, table] : dump->tables()) look_at(table);
  return 0;
}
