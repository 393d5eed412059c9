#include "agent/store/database.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include <Poco/Exception.h>
#include <fmt/format.h>

#include "agent/store/backend.h"
#include "agent/store/migrations.h"
#include "agent/store/sessions.h"
#include "common/unique_fd.h"

namespace hubseal::agent::store {
namespace {

/// Creates the file for this user alone; SQLite would use the umask, and gives its -wal and -shm
/// files the mode of the main file.
Result<> create_private(const std::filesystem::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (fd) return {};
  const int problem = errno;
  return fail(Code::storage_unavailable,
              fmt::format("database {} cannot be opened for writing: {}", path.string(), std::strerror(problem)));
}

}  // namespace

Database::Database(std::unique_ptr<Sessions> sessions) : sessions_(std::move(sessions)) {}
Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::open(const Location& location) {
  if (!location.shared()) TRY(create_private(location.file));
  std::unique_ptr<Sessions> sessions;
  try {
    sessions = std::make_unique<Sessions>(make_backend(location));
  } catch (const Poco::Exception& problem) {
    return fail(Code::storage_unavailable,
                fmt::format("database {} cannot be opened: {}",
                            location.shared() ? location.postgresql : location.file.string(), problem.displayText()));
  }
  TRY(migrate(*sessions, embedded_migrations()));
  return std::unique_ptr<Database>(new Database(std::move(sessions)));
}

Refusals Database::refusals() const { return sessions_->refusals(); }

Result<> Database::ping() {
  return sessions_->read([](Session& session) -> Result<> {
    // A real page of the file, so that a vanished or damaged file is noticed.
    int rows = 0;
    session << "SELECT COUNT(*) FROM counters", Poco::Data::Keywords::into(rows), Poco::Data::Keywords::now;
    if (rows == 0) return fail(Code::storage_unavailable, "the database is empty");
    return {};
  });
}

}  // namespace hubseal::agent::store
