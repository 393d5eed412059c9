#include "agent/migrate_command.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>

#include <fmt/format.h>

#include "agent/config.h"
#include "agent/store/transfer.h"

namespace hubseal::agent {
namespace {

constexpr std::string_view kPostgreSql = "postgresql";

Result<store::Location> source_of(const MigrateCommand& command) {
  const bool shared = command.from == kPostgreSql;
  const std::string& wanted = shared ? command.from_connection : command.from_path;
  const std::string& other = shared ? command.from_path : command.from_connection;
  if (wanted.empty() || !other.empty())
    return fail(Code::bad_request,
                fmt::format("--from {} wants {} and not {}", command.from, shared ? "--from-connection" : "--from-path",
                            shared ? "--from-path" : "--from-connection"));
  if (!shared) return store::Location{.file = wanted};
  TRY(store::check_postgresql(wanted, "--from-connection"));
  return store::Location{.postgresql = wanted};
}

Result<> check_target(const MigrateCommand& command, const Config& config) {
  if (command.from == command.to) return fail(Code::bad_request, "--from and --to are the same kind of database");
  if ((command.to == kPostgreSql) == config.database.shared()) return {};
  return fail(Code::bad_request, fmt::format("[store] of the configuration is no {}; wanted the one to copy into, as "
                                             "the agent will use it",
                                             command.to));
}

/// A line on standard error every second: what is over sooner needs none.
class Ticker {
 public:
  void operator()(std::string_view table, std::int64_t done, std::int64_t of) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::seconds(1)) return;
    last_ = now;
    fmt::print(stderr, "{}: {} of {} rows\n", table, done, of);
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace

Result<> run(const MigrateCommand& command, const Config& config) {
  TRY(check_target(command, config));
  const store::Location source = TRY(source_of(command));
  Ticker ticker;
  const auto copied = TRY(store::transfer(source, config.database, command.dry_run, std::ref(ticker)));
  std::int64_t rows = 0;
  for (const store::Copied& table : copied) {
    fmt::print("{:<24} {:>10}\n", table.table, table.rows);
    rows += table.rows;
  }
  fmt::print("{} tables, {} rows: {}\n", copied.size(), rows,
             command.dry_run ? "they would arrive; nothing was kept" : "copied and compared");
  std::fflush(stdout);
  return {};
}

}  // namespace hubseal::agent
