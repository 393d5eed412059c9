#include "common/audit/log_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "common/audit/record_reader.h"
#include "common/number.h"
#include "common/unique_fd.h"

namespace hubseal::audit {
namespace {

constexpr std::size_t kBlock = 128 << 10;
constexpr std::size_t kMaxLine = 2 << 20;
constexpr std::string_view kPrefix = "audit-", kSuffix = ".jsonl";

/// The number in a rotated file's name; 0 for every other name.
std::uint64_t first_of(const std::string& name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return 0;
  const std::size_t digits = name.size() - kPrefix.size() - kSuffix.size();
  const auto first = parse_number<std::uint64_t>(std::string_view(name).substr(kPrefix.size(), digits));
  return first && rotated_name(*first) == name ? *first : 0;
}

/// Of what could not be opened: only a name that leads nowhere says that nothing is there. Too many open files do not.
Code code_of(int problem) {
  const bool nowhere = problem == ENOENT || problem == ENOTDIR || problem == ELOOP;
  return nowhere ? Code::not_found : Code::storage_unavailable;
}

Result<UniqueFd> open_to_read(const std::filesystem::path& file) {
  UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  const int problem = errno;
  if (!fd) return fail(code_of(problem), fmt::format("{}: {}", file.string(), std::strerror(problem)));
  return fd;
}

/// Where a line begins that is at most the one of record `number`, and not far before it: records stand in order, so
/// that it is found by halves.
Result<std::int64_t> place_before(const std::filesystem::path& file, std::uint64_t number) {
  constexpr std::int64_t kNear = 64 << 10;
  const UniqueFd fd = TRY(open_to_read(file));
  std::error_code problem;
  std::int64_t low = 0, high = static_cast<std::int64_t>(std::filesystem::file_size(file, problem));
  if (problem) return fail(code_of(problem.value()), fmt::format("{}: {}", file.string(), problem.message()));
  while (high - low > kNear) {
    const std::int64_t middle = low + (high - low) / 2;
    const std::string block = TRY(read_range(fd.get(), middle, std::min(middle + kNear, high)));
    std::optional<std::uint64_t> found;
    std::size_t begin = block.find('\n') + 1;
    for (std::size_t end = block.find('\n', begin); begin != 0 && end != std::string::npos && !found;
         begin = end + 1, end = block.find('\n', begin)) {
      found = sequence_of(std::string_view(block).substr(begin, end - begin));
      if (found) low = *found <= number ? middle + static_cast<std::int64_t>(begin) : low;
    }
    if (!found || *found > number) high = middle;
  }
  return low;
}

}  // namespace

std::string rotated_name(std::uint64_t first) { return fmt::format("{}{:012}{}", kPrefix, first, kSuffix); }

Result<std::vector<LogFile>> log_files(const std::filesystem::path& folder) {
  std::error_code problem;
  std::filesystem::directory_iterator entries(folder, problem);
  if (problem) return fail(code_of(problem.value()), fmt::format("{}: {}", folder.string(), problem.message()));
  std::vector<LogFile> files;
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(kSuffix) || name == kCurrentFile) continue;
    const std::uint64_t first = first_of(name);
    if (first == 0) return fail(Code::bad_request, fmt::format("{} is no file of an audit log", entry.path().string()));
    files.push_back({entry.path(), first});
  }
  std::sort(files.begin(), files.end(), [](const LogFile& a, const LogFile& b) { return a.first < b.first; });
  if (std::filesystem::exists(folder / kCurrentFile, problem)) files.push_back({folder / kCurrentFile, 0});
  return files;
}

Result<std::string> read_range(int fd, std::int64_t from, std::int64_t to) {
  std::string text(static_cast<std::size_t>(to - from), '\0');
  for (std::size_t filled = 0; filled < text.size();) {
    const ssize_t got =
        ::pread(fd, text.data() + filled, text.size() - filled, from + static_cast<std::int64_t>(filled));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      return fail(Code::storage_unavailable, fmt::format("audit log: reading back: {}",
                                                         got < 0 ? std::strerror(errno) : "the file ends too early"));
    filled += static_cast<std::size_t>(got);
  }
  return text;
}

Result<> read_lines(const std::filesystem::path& file, const LineVisitor& visit, std::int64_t start) {
  const auto failed = [&] {
    const int problem = errno;
    return fail(Code::storage_unavailable, fmt::format("{}: {}", file.string(), std::strerror(problem)));
  };
  const UniqueFd fd = TRY(open_to_read(file));
  if (::lseek(fd.get(), start, SEEK_SET) < 0) return failed();
  std::string buffer;
  std::size_t begin = 0;
  while (true) {
    buffer.erase(0, std::exchange(begin, 0));
    const std::size_t known = buffer.size();
    if (known > kMaxLine) return fail(Code::too_large, fmt::format("{}: a line of over 2 MiB", file.string()));
    buffer.resize(known + kBlock);
    ssize_t got = 0;
    do got = ::read(fd.get(), buffer.data() + known, kBlock);
    while (got < 0 && errno == EINTR);
    if (got < 0) return failed();
    buffer.resize(known + static_cast<std::size_t>(got));
    const std::string_view text = buffer;
    for (std::size_t end = text.find('\n', known); end != std::string_view::npos; end = text.find('\n', begin)) {
      if (!TRY(visit(text.substr(begin, end - begin), true))) return {};
      begin = end + 1;
    }
    if (got > 0) continue;
    if (begin < buffer.size()) TRY(visit(text.substr(begin), false));
    return {};
  }
}

Result<std::vector<std::string>> read_records(const std::filesystem::path& folder, std::uint64_t first,
                                              std::uint64_t limit, std::size_t max_bytes) {
  std::vector<std::string> records;
  std::size_t bytes = 0;
  std::uint64_t wanted = first;
  const std::vector<LogFile> files = TRY(log_files(folder));
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (i + 1 < files.size() && files[i + 1].first != 0 && files[i + 1].first <= first)
      continue;  // all of it is before
    bool full = false;
    const auto take = [&](std::string_view line, bool complete) -> Result<bool> {
      if (!complete || sequence_of(line) != wanted) return true;
      if (!records.empty() && bytes + line.size() > max_bytes) full = true;
      if (full) return false;
      records.emplace_back(line);
      bytes += line.size();
      ++wanted;
      full = records.size() == limit;
      return !full;
    };
    TRY(read_lines(files[i].path, take, TRY(place_before(files[i].path, wanted))));
    if (full) break;
  }
  return records;
}

}  // namespace hubseal::audit
