#include "daemon/registry/registry.h"

#include "common/log.h"
#include "daemon/registry/schema.h"

namespace hubseal::daemon {
namespace {

constexpr std::size_t kReaders = 3;

/// Prepared once, unlike Database::execute: these frame every transaction.
Result<> run(Database& database, std::string_view statement) { return TRY(database.prepare(statement)).run(); }

Result<std::uint64_t> read_changes(Database& database) {
  Statement row = TRY(database.prepare("SELECT count FROM changes"));
  if (!TRY(row.step())) return fail(Code::storage_unavailable, "registry: it does not count its changes");
  return static_cast<std::uint64_t>(row.integer(0));
}

}  // namespace

Registry::Registry(Database writer, std::vector<Database> readers, std::uint64_t changes)
    : changes_(changes),
      writer_(std::move(writer)),
      readers_(std::move(readers)),
      commit_([this](GroupCommit<Write>::Batch& batch) { flush(batch); }) {}

Result<std::unique_ptr<Registry>> Registry::open(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "registry.sqlite";
  Database writer = TRY(Database::open(path));
  TRY(migrate(writer));
  const std::uint64_t changes = TRY(read_changes(writer));
  std::vector<Database> readers;
  while (readers.size() < kReaders) readers.push_back(TRY(Database::open(path)));
  return std::unique_ptr<Registry>(new Registry(std::move(writer), std::move(readers), changes));
}

Result<> Registry::commit(Work work) {
  Write item;
  item.work = std::move(work);
  commit_.enqueue(item);
  commit_.wait(item);
  return item.result;
}

void Registry::retry() {
  if (!writable_) (void)commit([](Database&) -> Result<> { return {}; });
}

// In a savepoint of its own: a writer that is refused takes nobody with it. An error says that the transaction is lost.
Result<> Registry::write_one(Write& item) {
  item.result = run(writer_, "SAVEPOINT one");
  if (!item.result) return item.result;
  item.result = item.work(writer_);
  // SQLite may have rolled back all of it; another savepoint would then begin, and end, a transaction of its own.
  if (!writer_.in_transaction())
    return item.result ? fail(Code::internal, "registry: its transaction was ended") : item.result;
  if (!item.result) TRY(run(writer_, "ROLLBACK TO one"));
  return run(writer_, "RELEASE one");
}

Result<> Registry::count_change() {
  Statement update = TRY(writer_.prepare("UPDATE changes SET count = count + 1, records = max(records, ?)"));
  const std::atomic<std::uint64_t>* const records = records_;
  return update.bind(static_cast<std::int64_t>(records ? records->load() : 0)).run();
}

// One transaction for all. Each thread waits for what it has written, so that there is an end to those who join.
Result<> Registry::write_all(GroupCommit<Write>::Batch& batch) {
  TRY(run(writer_, "BEGIN IMMEDIATE"));
  for (auto items = batch.items(); !items.empty(); items = batch.join())
    for (Write* item : items) TRY(write_one(*item));
  TRY(count_change());
  return run(writer_, "COMMIT");
}

// Nobody is told of success before COMMIT has reached the disk.
void Registry::flush(GroupCommit<Write>::Batch& batch) {
  const auto done = write_all(batch);
  if (done) ++changes_;
  if (writable_.exchange(done.has_value()) != done.has_value()) {
    if (done)
      log::info("registry can be written again");
    else
      log::error("registry cannot be written; no certificate is issued, and nothing changes",
                 {{"reason", done.error().message}});
  }
  if (done) return;
  if (writer_.in_transaction()) (void)run(writer_, "ROLLBACK");
  for (Write* item : batch.items())
    if (item->result) item->result = done;
}

}  // namespace hubseal::daemon
