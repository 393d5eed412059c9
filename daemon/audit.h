#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "common/audit/merkle.h"
#include "common/audit/stored_hashes.h"
#include "common/clock.h"
#include "common/guarded.h"
#include "common/json.h"
#include "common/result.h"
#include "common/unique_fd.h"
#include "daemon/audit_tail.h"
#include "daemon/group_commit.h"

namespace hubseal::daemon {

/// The append-only record of what was asked, refused and signed: JSON Lines, one record a line,
/// numbered from 1 without a gap, on disk (fdatasync, shared by concurrent writers) before the
/// answer leaves; and the Merkle tree over it (RFC 6962), one leaf a record.
/// Owns: in the given folder audit.jsonl, the files that it became earlier, and tree.hashes.
/// Threads: share it freely.
/// Errors: storage_unavailable. A disk that is full or read-only leaves the log as it was, and the next record tries
/// again; after a failed fdatasync nothing is known about the pages (the kernel drops them), nor after a
/// failed fsync of the folder about which file is the current one, so the log stays closed until the daemon is
/// restarted and has read back what is there.
class AuditLog {
 public:
  static constexpr std::int64_t kFileBytes = std::int64_t{64} << 20;
  static constexpr std::uint64_t kAllChanges = std::numeric_limits<std::uint64_t>::max();
  /// Told that the reading of a long log goes on: so many of its records were read.
  using Progress = std::function<void(std::uint64_t records, std::uint64_t of)>;
  /// A file of `file_bytes` or more is put away, and another one begun.
  static Result<std::unique_ptr<AuditLog>> open(const std::filesystem::path& folder, const Clock& clock,
                                                std::int64_t file_bytes = kFileBytes, Progress progress = {});

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

  /// From now on each record says ("changes") how many changes the registry had taken, durably, when it was written.
  /// `changes` must outlive the log.
  void say_changes(const std::atomic<std::uint64_t>& changes) { changes_ = &changes; }
  /// And that it had taken no more than these (rollback_guard.h says when).
  void say_at_most(std::uint64_t changes) { at_most_ = changes; }

  /// Queues `record`, an object; seq, time and changes are put in front of its members.
  std::unique_ptr<Pending> begin(const Json& record);
  /// begin and wait.
  Result<> record(const Json& record);

  std::uint64_t records() const { return records_; }
  /// The same, as it changes: for who must not lag behind. Lives as long as the log.
  const std::atomic<std::uint64_t>& durable() const { return records_; }
  /// How many there were when it was opened; none of this run is among them.
  std::uint64_t found() const { return found_; }
  /// Of how many of them the tree was taken from the stored hashes, and nobody has read them yet.
  std::uint64_t unread() const { return unread_; }
  /// Whether all hashes were made of the records in this run.
  bool is_read() const { return rebuilt_; }
  /// Whether the last attempt to write succeeded.
  bool writable() const { return writable_; }

  /// The tree over the records that are durable.
  audit::Tree tree() const { return *tree_.lock(); }
  /// Its completed hashes, for proofs. Errors: storage_unavailable.
  Result<audit::Hash> hash(unsigned level, std::uint64_t n) const { return hashes_.read(level, n); }
  audit::HashReader reader() const {
    return [this](unsigned level, std::uint64_t n) { return hash(level, n); };
  }
  const std::filesystem::path& folder() const { return folder_; }
  /// For whoever reads it at a start.
  void say_read(std::uint64_t records, std::uint64_t of) const {
    if (progress_) progress_(records, of);
  }
  /// Makes the tree anew from the records. Nothing may be recorded meanwhile.
  /// Errors: storage_unavailable, naming the line that is no record of this log.
  Result<> rebuild_tree();

 private:
  AuditLog(std::filesystem::path folder, UniqueFd fd, audit::StoredHashes hashes, const Clock& clock,
           std::int64_t file_bytes, Progress progress);
  Result<> recover();
  Result<> take_tree(const AuditTail& tail);
  Result<> seal_torn(const std::string& torn);
  Result<> rotate();
  Result<> append(const std::string& lines);
  void grow_tree(const std::vector<audit::Hash>& leaves);
  void flush(std::span<Pending* const> batch);

  const std::filesystem::path folder_;
  const std::int64_t file_bytes_;
  const Clock& clock_;
  const Progress progress_;
  UniqueFd fd_;                   // this and the next two: only touched by the thread that flushes
  std::int64_t end_ = 0;          // bytes known to be durable
  std::uint64_t file_first_ = 1;  // number of the first record of the current file
  audit::StoredHashes hashes_;
  mutable Guarded<audit::Tree> tree_;
  std::atomic<std::uint64_t> records_{0};
  std::uint64_t found_ = 0, unread_ = 0;
  bool rebuilt_ = false;
  std::atomic<bool> writable_{true};
  std::atomic<bool> closed_{false};
  const std::atomic<std::uint64_t>* changes_ = nullptr;
  std::atomic<std::uint64_t> at_most_{kAllChanges};
  GroupCommit<Pending> commit_;
};

}  // namespace hubseal::daemon
