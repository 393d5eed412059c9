#include "daemon/audit.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/audit/log_files.h"
#include "common/audit/record_reader.h"
#include "common/log.h"

namespace hubseal::daemon {
namespace {

tl::unexpected<Error> fail_errno(std::string_view doing) {
  const int problem = errno;
  return fail(Code::storage_unavailable, fmt::format("audit log: {}: {}", doing, std::strerror(problem)));
}

constexpr std::size_t kHashesAtOnce = 1 << 16;

/// A log file of ours that nobody else writes.
Result<UniqueFd> open_file(const std::filesystem::path& path, int flags) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0600));
  if (!fd) return fail_errno(path.string());
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return fail_errno(path.string() + " is held by another hubseald");
  return fd;
}

Result<UniqueFd> open_folder(const std::filesystem::path& folder) {
  UniqueFd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return fail_errno(folder.string());
  return directory;
}

Result<> sync_folder(const std::filesystem::path& folder) {
  if (::fsync(TRY(open_folder(folder)).get()) != 0) return fail_errno("fsync of its folder");
  return {};
}

}  // namespace

AuditLog::AuditLog(std::filesystem::path folder, UniqueFd fd, audit::StoredHashes hashes, const Clock& clock,
                   std::int64_t file_bytes, Progress progress)
    : folder_(std::move(folder)),
      file_bytes_(file_bytes),
      clock_(clock),
      progress_(std::move(progress)),
      fd_(std::move(fd)),
      hashes_(std::move(hashes)),
      commit_([this](GroupCommit<Pending>::Batch& batch) { flush(batch.items()); }) {}

Result<std::unique_ptr<AuditLog>> AuditLog::open(const std::filesystem::path& folder, const Clock& clock,
                                                 std::int64_t file_bytes, Progress progress) {
  UniqueFd fd = TRY(open_file(folder / audit::kCurrentFile, 0));
  TRY(sync_folder(folder));
  auto hashes = TRY(audit::StoredHashes::open(folder / audit::kHashesFile));
  std::unique_ptr<AuditLog> log(
      new AuditLog(folder, std::move(fd), std::move(hashes), clock, file_bytes, std::move(progress)));
  TRY(log->recover());
  return log;
}

Result<> AuditLog::recover() {
  const AuditTail tail = TRY(read_audit_tail(fd_.get(), folder_));
  end_ = tail.end;
  file_first_ = tail.file_first;
  records_ = tail.records;
  if (tail.lacks_line_feed) TRY(append("\n"));
  // A crash may have left what is not on the disk yet; the registry counts it from here on.
  if (::fdatasync(fd_.get()) != 0) return fail_errno("fdatasync");
  TRY(take_tree(tail));
  found_ = tail.records;
  return tail.torn.empty() ? Result<>() : seal_torn(tail.torn);
}

// The hashes of the last records are made anew: they are what a crash may have cost.
Result<> AuditLog::take_tree(const AuditTail& tail) {
  const std::uint64_t known = tail.records - tail.leaves.size();
  auto before = audit::read_tree(known, reader());
  if (!before) return rebuild_tree();
  unread_ = known;
  *tree_.lock() = *std::move(before);
  grow_tree(tail.leaves);
  return {};
}

Result<> AuditLog::rebuild_tree() {
  log::info("making the tree of the audit log anew", {{"records", std::to_string(records_)}});
  *tree_.lock() = audit::Tree();
  unread_ = 0;
  rebuilt_ = true;
  TRY(hashes_.truncate(0));
  audit::RecordReader records;
  std::vector<audit::Hash> leaves;
  for (const audit::LogFile& file : TRY(audit::log_files(folder_))) {
    say_read(records.next() - 1, records_);
    std::size_t number = 0;
    TRY(audit::read_lines(file.path, [&](std::string_view line, bool complete) -> Result<bool> {
      ++number;
      const auto taken = records.take(line, complete);
      if (!taken)
        return fail(Code::storage_unavailable,
                    fmt::format("audit log: {}:{}: {}", file.path.string(), number, taken.error().message));
      if (*taken) leaves.push_back(audit::leaf_hash(as_bytes(line)));
      if (leaves.size() >= kHashesAtOnce) grow_tree(std::exchange(leaves, {}));
      return true;
    }));
  }
  grow_tree(leaves);
  if (records.next() == records_ + 1) return {};
  return fail(Code::storage_unavailable,
              fmt::format("audit log: {} records are there; wanted {}", records.next() - 1, records_.load()));
}

// A crash tore the last line. It stays where it is, closed by a line feed and named by the record behind it, so that
// nothing that may have been seen disappears.
Result<> AuditLog::seal_torn(const std::string& torn) {
  log::warning("audit log ends in the middle of a record; sealing it", {{"bytes", std::to_string(torn.size())}});
  std::string closed = torn;
  if (!closed.ends_with('\n')) {
    TRY(append("\n"));
    closed += '\n';
  }
  Json sealed = {{"event", audit::kTornEvent}};
  sealed.update(audit::RecordReader::describe_torn(closed));
  return record(sealed);
}

// The next file is there before this one is put away. Where a crash comes in between, open() begins it. What can be
// refused and tried again comes first; once the name has changed there is no second try, which would put the next file
// away under the same name.
Result<> AuditLog::rotate() {
  const UniqueFd directory = TRY(open_folder(folder_));
  const auto next = folder_ / "audit.next";
  ::unlink(next.c_str());
  UniqueFd fd = TRY(open_file(next, O_EXCL));
  const auto current = folder_ / audit::kCurrentFile, put_away = folder_ / audit::rotated_name(file_first_);
  if (::renameat2(AT_FDCWD, current.c_str(), AT_FDCWD, put_away.c_str(), RENAME_NOREPLACE) != 0)
    return fail_errno("putting a full file away as " + put_away.string());
  if (::rename(next.c_str(), current.c_str()) != 0 || ::fsync(directory.get()) != 0) {
    closed_ = true;
    return fail_errno("beginning the next file");
  }
  fd_ = std::move(fd);
  end_ = 0;
  file_first_ = records_ + 1;
  return {};
}

Result<> AuditLog::append(const std::string& lines) {
  if (closed_) return fail(Code::storage_unavailable, "audit log: closed after a failed sync; restart hubseald");
  if (!writable_ && ::ftruncate(fd_.get(), end_) != 0) return fail_errno("cannot be cut back to the last record");
  std::string_view left = lines;
  while (!left.empty()) {
    const ssize_t put =
        ::pwrite(fd_.get(), left.data(), left.size(), end_ + static_cast<std::int64_t>(lines.size() - left.size()));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      const auto refused = fail_errno("cannot be written");
      // Half a batch must not stay: its records were refused. A read-only disk keeps it until the next is written.
      if (::ftruncate(fd_.get(), end_) != 0) log::warning("a record of the audit log may be left half written");
      return refused;
    }
    left.remove_prefix(static_cast<std::size_t>(put));
  }
  if (::fdatasync(fd_.get()) != 0) {
    closed_ = true;
    return fail_errno("fdatasync");
  }
  end_ += static_cast<std::int64_t>(lines.size());
  return {};
}

void AuditLog::grow_tree(const std::vector<audit::Hash>& leaves) {
  audit::Tree tree = *tree_.lock();
  std::vector<audit::Hash> completed;
  const std::uint64_t at = audit::stored_count(tree.size());
  for (const audit::Hash& leaf : leaves) tree.append(leaf, [&](const audit::Hash& hash) { completed.push_back(hash); });
  // Derived data: where it cannot be written, proofs fail until the next start makes it anew, and nothing is lost.
  if (const auto written = hashes_.write(at, completed); !written)
    log::error("hashes of the audit log were not written", {{"reason", written.error().message}});
  *tree_.lock() = std::move(tree);
}

void AuditLog::flush(std::span<Pending* const> batch) {
  const std::string time = format_utc(clock_.now());
  const std::uint64_t taken = changes_ ? changes_->load() : 0;  // before the limit is looked at
  const std::string changes = changes_ ? fmt::format(R"("changes":{},)", std::min(taken, at_most_.load())) : "";
  std::uint64_t seq = records_;
  std::string lines;
  std::vector<audit::Hash> leaves;
  for (const Pending* pending : batch) {
    const std::size_t begin = lines.size();
    lines += fmt::format(R"({{"seq":{},"time":"{}",{})", ++seq, time, changes);
    lines.append(pending->body_, 1);  // without its opening brace
    leaves.push_back(audit::leaf_hash(as_bytes(std::string_view(lines).substr(begin))));
    lines += '\n';
  }
  const bool full = end_ >= file_bytes_ && !closed_;
  auto appended = full ? rotate() : Result<>();
  if (appended) appended = append(lines);
  if (appended) {
    grow_tree(leaves);
    records_ = seq;
  }
  if (writable_.exchange(appended.has_value()) != appended.has_value()) {
    if (appended)
      log::info("audit log can be written again; signing resumes");
    else
      log::error("audit log cannot be written; signing stops", {{"reason", appended.error().message}});
  }
  for (Pending* pending : batch) pending->result_ = appended;
}

std::unique_ptr<AuditLog::Pending> AuditLog::begin(const Json& record) {
  std::unique_ptr<Pending> pending(new Pending(*this, dump_json(record)));
  commit_.enqueue(*pending);
  return pending;
}

Result<> AuditLog::record(const Json& record) { return begin(record)->wait(); }

Result<> AuditLog::Pending::wait() {
  log_.commit_.wait(*this);
  return result_;
}

AuditLog::Pending::~Pending() { log_.commit_.wait(*this); }

}  // namespace hubseal::daemon
