#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/audit/merkle.h"

namespace hubseal::daemon {

/// The end of an audit log as it was left: after an orderly stop, or wherever a crash came in between.
struct AuditTail {
  std::uint64_t records = 0;        ///< number of the last whole record
  std::uint64_t file_first = 1;     ///< number of the first record of the current file, also of one that is to come
  std::vector<audit::Hash> leaves;  ///< of the last records, up to `records`: those of the last 2 MiB of the file
  std::string torn;                 ///< what stands behind the last record
  bool lacks_line_feed = false;     ///< the last record is whole but for that
  std::int64_t end = 0;             ///< bytes of the current file
};

/// Reads the end of the current file, which is open as `fd`, and where that holds no record yet the one before.
/// Errors: storage_unavailable, also where 2 MiB hold no record: such a log is not written over.
Result<AuditTail> read_audit_tail(int fd, const std::filesystem::path& folder);

}  // namespace hubseal::daemon
