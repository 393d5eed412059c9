#include "daemon/audit.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/fields.h"
#include "common/log.h"

namespace hubseal::daemon {
namespace {

// A record is far smaller than a line of the wire, which bounds what can be torn.
constexpr std::int64_t kTailBytes = 2 << 20;

tl::unexpected<Error> fail_errno(std::string_view doing) {
  const int problem = errno;
  return fail(Code::storage_unavailable, fmt::format("audit log: {}: {}", doing, std::strerror(problem)));
}

/// The number of a complete record, or nothing for a line that is none.
std::optional<std::uint64_t> sequence_of(std::string_view line) {
  const auto record = parse_json(line, {.max_depth = 8, .max_members = 256, .allow_fractions = false});
  if (!record || !record->is_object()) return std::nullopt;
  const auto seq = record->find("seq");
  if (seq == record->end() || !seq->is_number_unsigned()) return std::nullopt;
  return seq->get<std::uint64_t>();
}

/// The last record among whole lines; a line torn by an earlier crash is passed over.
std::uint64_t last_sequence(std::string_view lines) {
  while (!lines.empty()) {
    lines.remove_suffix(1);  // its line feed
    const std::size_t before = lines.rfind('\n');
    const std::size_t start = before == std::string_view::npos ? 0 : before + 1;
    if (const auto seq = sequence_of(lines.substr(start))) return *seq;
    lines = lines.substr(0, start);
  }
  return 0;
}

}  // namespace

AuditLog::AuditLog(UniqueFd fd, const Clock& clock)
    : fd_(std::move(fd)), clock_(clock), commit_([this](std::span<Pending* const> batch) { flush(batch); }) {}

Result<std::unique_ptr<AuditLog>> AuditLog::open(const std::filesystem::path& folder, const Clock& clock) {
  const std::filesystem::path path = folder / "audit.jsonl";
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail_errno(path.string());
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return fail_errno(path.string() + " is held by another hubseald");
  const UniqueFd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0) return fail_errno("fsync of its folder");
  std::unique_ptr<AuditLog> log(new AuditLog(std::move(fd), clock));
  TRY(log->recover());
  return log;
}

Result<> AuditLog::recover() {
  struct stat info {};
  if (::fstat(fd_.get(), &info) != 0) return fail_errno("fstat");
  end_ = info.st_size;
  const std::int64_t start = std::max<std::int64_t>(0, end_ - kTailBytes);
  std::string tail(static_cast<std::size_t>(end_ - start), '\0');
  for (std::size_t filled = 0; filled < tail.size();) {
    const ssize_t got =
        ::pread(fd_.get(), tail.data() + filled, tail.size() - filled, start + static_cast<std::int64_t>(filled));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail_errno("reading back");
    filled += static_cast<std::size_t>(got);
  }
  const std::size_t whole = tail.rfind('\n') + 1;  // 0 when there is none
  records_ = last_sequence(std::string_view(tail).substr(0, whole));
  if (records_ == 0 && end_ >= kTailBytes)
    return fail(Code::storage_unavailable,
                "audit log: its last 2 MiB hold no record; restore it before signing goes on");
  if (whole == tail.size()) return {};
  const std::string_view last = std::string_view(tail).substr(whole);
  if (sequence_of(last) == records_ + 1) {
    // Torn just before its line feed: the record is whole, and nobody may get its number again.
    TRY(append("\n"));
    ++records_;
    return {};
  }
  // A crash tore the last line. It stays where it is, closed by a line feed and named by a record,
  // so that nothing that may have been seen disappears.
  const std::size_t torn = last.size();
  log::warning("audit log ends in the middle of a record; sealing it", {{"bytes", std::to_string(torn)}});
  TRY(append("\n"));
  return record(Json{{"event", "torn_record_sealed"}, {"bytes", torn}});
}

Result<> AuditLog::append(const std::string& lines) {
  if (closed_) return fail(Code::storage_unavailable, "audit log: closed after a failed sync; restart hubseald");
  std::string_view left = lines;
  while (!left.empty()) {
    const ssize_t put =
        ::pwrite(fd_.get(), left.data(), left.size(), end_ + static_cast<std::int64_t>(lines.size() - left.size()));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      const auto refused = fail_errno("cannot be written");
      // Half a batch must not stay: its records were refused.
      if (::ftruncate(fd_.get(), end_) != 0) closed_ = true;
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

void AuditLog::flush(std::span<Pending* const> batch) {
  const std::string time = format_utc(clock_.now());
  std::uint64_t seq = records_;
  std::string lines;
  for (const Pending* pending : batch) {
    lines += fmt::format(R"({{"seq":{},"time":"{}",)", ++seq, time);
    lines.append(pending->body_, 1);  // without its opening brace
    lines += '\n';
  }
  const auto appended = append(lines);
  if (appended) records_ = seq;
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
