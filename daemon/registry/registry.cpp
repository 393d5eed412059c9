#include "daemon/registry/registry.h"

#include "daemon/registry/schema.h"

namespace hubseal::daemon {

Registry::Registry(Database writer, Database reader)
    : writer_(std::move(writer)),
      reader_(std::move(reader)),
      commit_([this](std::span<Write* const> batch) { flush(batch); }) {}

Result<std::unique_ptr<Registry>> Registry::open(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "registry.sqlite";
  Database writer = TRY(Database::open(path));
  TRY(migrate(writer));
  Database reader = TRY(Database::open(path));
  return std::unique_ptr<Registry>(new Registry(std::move(writer), std::move(reader)));
}

Result<> Registry::commit(Work work) {
  Write item;
  item.work = std::move(work);
  commit_.enqueue(item);
  commit_.wait(item);
  return item.result;
}

// One transaction for all, a savepoint for each: a writer that is refused takes nobody with it, and
// nobody is told of success before COMMIT has reached the disk.
void Registry::flush(std::span<Write* const> batch) {
  auto begun = writer_.execute("BEGIN IMMEDIATE");
  for (Write* item : batch) {
    item->result = begun;
    if (!begun) continue;
    item->result = writer_.execute("SAVEPOINT one");
    if (!item->result) continue;
    item->result = item->work(writer_);
    if (!item->result) writer_.execute("ROLLBACK TO one");
    if (const auto released = writer_.execute("RELEASE one"); !released) item->result = released;
  }
  if (!begun) return;
  const auto committed = writer_.execute("COMMIT");
  if (committed) return;
  writer_.execute("ROLLBACK");
  for (Write* item : batch)
    if (item->result) item->result = committed;
}

}  // namespace hubseal::daemon
