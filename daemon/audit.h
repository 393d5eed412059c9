#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "common/clock.h"
#include "common/json.h"
#include "common/result.h"
#include "common/unique_fd.h"
#include "daemon/group_commit.h"

namespace hubseal::daemon {

/// The append-only record of what was asked, refused and signed: JSON Lines, one record a line,
/// numbered from 1 without a gap, on disk (fdatasync, shared by concurrent writers) before the
/// answer leaves.
/// Owns: the file `audit.jsonl` in the given folder.
/// Threads: share it freely.
/// Errors: storage_unavailable. A full disk leaves the log as it was, and the next record tries
/// again; after a failed fdatasync nothing is known about the pages (the kernel drops them), so the
/// log stays closed until the daemon is restarted and has read back what is there.
class AuditLog {
 public:
  static Result<std::unique_ptr<AuditLog>> open(const std::filesystem::path& folder, const Clock& clock);

  /// A record on its way to the disk; waits for it when it goes out of scope unwaited.
  class Pending : public GroupCommit<Pending>::Ticket {
   public:
    ~Pending();
    Pending(const Pending&) = delete;
    Pending& operator=(const Pending&) = delete;
    /// Until the record is durable, or known not to be.
    Result<> wait();

   private:
    friend class AuditLog;
    Pending(AuditLog& log, std::string body) : log_(log), body_(std::move(body)) {}
    AuditLog& log_;
    const std::string body_;
    Result<> result_;
  };

  /// Queues `record`, an object; seq and time are put in front of its members.
  std::unique_ptr<Pending> begin(const Json& record);
  /// begin and wait.
  Result<> record(const Json& record);

  std::uint64_t records() const { return records_; }
  /// Whether the last attempt to write succeeded.
  bool writable() const { return writable_; }

 private:
  AuditLog(UniqueFd fd, const Clock& clock);
  Result<> recover();
  Result<> append(const std::string& lines);
  void flush(std::span<Pending* const> batch);

  const UniqueFd fd_;
  const Clock& clock_;
  std::int64_t end_ = 0;  // bytes known to be durable; only touched by the thread that flushes
  std::atomic<std::uint64_t> records_{0};
  std::atomic<bool> writable_{true};
  std::atomic<bool> closed_{false};
  GroupCommit<Pending> commit_;
};

}  // namespace hubseal::daemon
