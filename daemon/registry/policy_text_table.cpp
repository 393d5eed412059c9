#include "daemon/registry/policy_text_table.h"

#include <fmt/format.h>

#include "common/bytes.h"
#include "common/key_types.h"

namespace hubseal::daemon::policy_text_table {

Result<> keep(Database& database, const std::map<std::string, std::string>& files) {
  for (const auto& [name, text] : files) {
    Statement insert = TRY(database.prepare("INSERT OR IGNORE INTO policy_texts (sha256, text) VALUES (?, ?)"));
    TRY(insert.bind(to_hex(hubseal::sha256(as_bytes(text)))).bind(as_bytes(text)).run());
  }
  return {};
}

Result<std::optional<std::string>> find(Database& database, const std::string& sha256) {
  Statement row = TRY(database.prepare("SELECT text FROM policy_texts WHERE sha256 = ?"));
  row.bind(sha256);
  if (!TRY(row.step())) return std::nullopt;
  std::string text = row.text(0);
  if (to_hex(hubseal::sha256(as_bytes(text))) == sha256) return text;
  return fail(Code::storage_unavailable,
              fmt::format("the text of a policy file that was kept as {} is another: its SHA-256 differs", sha256));
}

}  // namespace hubseal::daemon::policy_text_table
