#include "daemon/audit_tail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "common/audit/log_files.h"
#include "common/audit/record_reader.h"
#include "common/unique_fd.h"

namespace hubseal::daemon {
namespace {

// A record is far smaller than a line of the wire, which bounds what can be torn.
constexpr std::int64_t kTailBytes = 2 << 20;
constexpr std::size_t kHeadBytes = 256 << 10;

tl::unexpected<Error> fail_errno(std::string_view doing) {
  const int problem = errno;
  return fail(Code::storage_unavailable, fmt::format("audit log: {}: {}", doing, std::strerror(problem)));
}

/// Takes in what stands behind a line's start: records, and what is none. `tail.records` is the number of the last
/// record before it, where that is known.
void read_records(std::string_view text, AuditTail& tail) {
  const auto take = [&](std::string_view line) {
    const auto sequence = audit::sequence_of(line);
    if (!sequence) return false;
    if (!tail.leaves.empty() && *sequence != tail.records + 1) tail.leaves.clear();  // verify will name the gap
    tail.records = *sequence;
    tail.leaves.push_back(audit::leaf_hash(as_bytes(line)));
    tail.torn.clear();
    return true;
  };
  for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    if (!take(text.substr(0, end))) tail.torn.append(text.substr(0, end + 1));
    text.remove_prefix(end + 1);
  }
  if (text.empty()) return;
  // Torn just before its line feed: the record is whole, and nobody may get its number again.
  if (audit::sequence_of(text) == tail.records + 1)
    tail.lacks_line_feed = take(text);
  else
    tail.torn.append(text);
}

Result<AuditTail> read_file_tail(int fd, std::uint64_t before) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return fail_errno("fstat");
  AuditTail tail{.records = before, .end = info.st_size};
  const std::int64_t start = std::max<std::int64_t>(0, tail.end - kTailBytes);
  std::string text = TRY(audit::read_range(fd, start, tail.end));
  if (start > 0) text.erase(0, text.find('\n') + 1);  // the rest of a line that begins before
  read_records(text, tail);
  if (tail.leaves.empty() && tail.end >= kTailBytes)
    return fail(Code::storage_unavailable,
                "audit log: its last 2 MiB hold no record; restore it before signing goes on");
  return tail;
}

/// Of the files before the current one: the number of the last record.
Result<std::uint64_t> last_of_rotated(const std::filesystem::path& folder) {
  auto files = audit::log_files(folder);
  if (!files) return fail(Code::storage_unavailable, "audit log: " + files.error().message);
  std::erase_if(*files, [](const audit::LogFile& file) { return file.first == 0; });
  if (files->empty()) return 0;
  const UniqueFd fd(::open(files->back().path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return fail_errno(files->back().path.string());
  return TRY(read_file_tail(fd.get(), 0)).records;
}

}  // namespace

Result<AuditTail> read_audit_tail(int fd, const std::filesystem::path& folder) {
  AuditTail tail = TRY(read_file_tail(fd, TRY(last_of_rotated(folder))));
  if (tail.leaves.empty()) {
    tail.file_first = tail.records + 1;
    return tail;
  }
  const std::string head = TRY(audit::read_range(fd, 0, std::min<std::int64_t>(tail.end, kHeadBytes)));
  tail.file_first = tail.records + 1 - tail.leaves.size();
  std::string_view rest = head;
  for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    if (const auto first = audit::sequence_of(rest.substr(0, end))) {
      tail.file_first = *first;
      break;
    }
    rest.remove_prefix(end + 1);
  }
  return tail;
}

}  // namespace hubseal::daemon
