#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>

#include "common/result.h"
#include "daemon/group_commit.h"
#include "daemon/registry/reader_pool.h"
#include "daemon/registry/sqlite.h"

namespace hubseal::daemon {

/// The daemon's own memory: keys, CAs, certificates, names. SQLite, synchronous=FULL, so that what has
/// returned is on disk. A lost or forged database of the agent changes nothing here.
/// This is the way in; what stands inside is read and written by the *_table.h beside it:
///   TRY(registry.write([&](Database& database) { return key_table::add(database, key); }));
/// Owns: `registry.sqlite` in the given folder. One transaction is shared by concurrent writers, also by those who come
/// while it takes in the others.
/// Threads: share it freely.
/// Errors: those of the work; storage_unavailable when the transaction did not reach the disk.
class Registry {
 public:
  /// Brings an older registry up to date; refuses one that a newer hubseald wrote.
  static Result<std::unique_ptr<Registry>> open(const std::filesystem::path& folder);

  /// Runs `work` in a transaction: all of it is durable when this returns, or none of it is there.
  template <class Work>
  auto write(Work work) -> std::invoke_result_t<Work, Database&> {
    std::invoke_result_t<Work, Database&> outcome = fail(Code::internal, "registry: not written");
    const auto committed = commit([&](Database& database) -> Result<> {
      outcome = work(database);
      return outcome ? Result<>() : Result<>(tl::unexpected(outcome.error()));
    });
    if (!committed) return tl::unexpected(committed.error());
    return outcome;
  }

  /// Runs `work` on what is durable; it must not write, and not read through the registry again.
  template <class Work>
  auto read(Work work) -> std::invoke_result_t<Work, Database&> {
    const ReaderPool::Lease reader(readers_);
    return work(*reader);
  }

  /// Whether the last transaction that was tried reached the disk.
  bool writable() const { return writable_; }
  /// Finds out whether it can be written again, if it could not.
  void retry();

  /// How many transactions are durable, counted in the registry itself: a registry that is put back counts fewer than
  /// the audit log has seen. Rises only once the transaction is on the disk.
  const std::atomic<std::uint64_t>& changes() const { return changes_; }
  /// How many there were when it was opened.
  std::uint64_t found() const { return found_; }
  /// From now on each transaction also writes down how many records the audit log has: a log that was cut has fewer
  /// (checkpoint_table::records_seen). `records` must outlive the registry.
  void see_records(const std::atomic<std::uint64_t>& records) { records_ = &records; }
  /// Those of a log that is not the right one do not count.
  void see_no_records() { records_ = nullptr; }

 private:
  using Work = std::function<Result<>(Database&)>;
  struct Write : GroupCommit<Write>::Ticket {
    Work work;
    Result<> result;
  };

  Registry(Database writer, std::vector<Database> readers, std::uint64_t changes);
  Result<> commit(Work work);
  Result<> write_one(Write& item);
  Result<> count_change();
  Result<> write_all(GroupCommit<Write>::Batch& batch);
  void flush(GroupCommit<Write>::Batch& batch);

  std::atomic<std::uint64_t> changes_;
  const std::uint64_t found_ = changes_;
  std::atomic<const std::atomic<std::uint64_t>*> records_ = nullptr;
  std::atomic<bool> writable_{true};
  Database writer_;  // only touched by the thread that flushes
  ReaderPool readers_;
  GroupCommit<Write> commit_;
};

}  // namespace hubseal::daemon
