#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace hubseal::audit {

/// Records are appended to audit.jsonl; when it is large enough it becomes audit-<number of its first record>.jsonl,
/// and another is begun. Beside them: the signed checkpoints and the derived hashes of the tree.
constexpr std::string_view kCurrentFile = "audit.jsonl";
constexpr std::string_view kCheckpointsFile = "checkpoints";
constexpr std::string_view kHashesFile = "tree.hashes";

/// The name under which a file whose first record is `first` is put away; twelve digits, so that names sort.
std::string rotated_name(std::uint64_t first);

struct LogFile {
  std::filesystem::path path;
  std::uint64_t first = 0;  ///< number of its first record as its name says; 0 for the current file
};

/// The files of a log in the order of their records, the current one last (if it is there).
/// Errors: not_found (no such folder), storage_unavailable, bad_request (a name that is none of ours among them).
Result<std::vector<LogFile>> log_files(const std::filesystem::path& folder);

/// One line without its line feed. `complete`: it had one. A negative verdict ends the reading.
using LineVisitor = std::function<Result<bool>(std::string_view line, bool complete)>;

/// The bytes [from, to) of a file. Errors: storage_unavailable, also where the file is shorter.
Result<std::string> read_range(int fd, std::int64_t from, std::int64_t to);

/// Reads a file line by line, in blocks, from the line that begins at `start` on. Lines over 2 MiB are refused: no
/// record is nearly as long. Errors: not_found, storage_unavailable, too_large, and the visitor's own.
Result<> read_lines(const std::filesystem::path& file, const LineVisitor& visit, std::int64_t start = 0);

/// The lines of at most `limit` records from number `first` on, as they stand in the files; fewer where they would be
/// more than `max_bytes`, but at least one. Empty where the log ends before. Errors: not_found, storage_unavailable.
Result<std::vector<std::string>> read_records(const std::filesystem::path& folder, std::uint64_t first,
                                              std::uint64_t limit, std::size_t max_bytes);

}  // namespace hubseal::audit
