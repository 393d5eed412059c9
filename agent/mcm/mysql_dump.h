#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace hubseal::agent::mcm {

constexpr std::size_t kMaxDumpBytes = 256 * 1024 * 1024;
constexpr std::size_t kMaxDumpRows = 1'000'000;
constexpr std::size_t kMaxDumpTextBytes = 1024 * 1024;  ///< of one value

/// A table of a dump. Each row has a value for each column; NULL is nothing.
struct DumpTable {
  using Value = std::optional<std::string>;

  std::vector<std::string> columns;
  std::vector<std::vector<Value>> rows;
};

/// Tables and rows of one database, as mysqldump writes them: CREATE TABLE and INSERT are read, the other statements
/// that it writes are skipped, and any other is refused.
class MysqlDump {
 public:
  /// Errors: bad_request, naming the line, what was found and what was wanted; also for a dump without mysqldump's last
  /// line, which may have been cut off, and for what follows that line. too_large.
  static Result<MysqlDump> parse(std::string_view text);

  const std::map<std::string, DumpTable>& tables() const { return tables_; }
  /// Null where there is none.
  const DumpTable* find(const std::string& name) const;

 private:
  std::map<std::string, DumpTable> tables_;
};

/// RFC 3629: no overlong form, no surrogate.
bool is_utf8(std::string_view text);

}  // namespace hubseal::agent::mcm
