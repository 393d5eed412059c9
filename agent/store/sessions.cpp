#include "agent/store/sessions.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include <Poco/Data/DataException.h>
#include <Poco/Data/PostgreSQL/PostgreSQLException.h>
#include <Poco/Exception.h>
#include <fmt/format.h>

#include "common/log.h"
#include "common/unique_fd.h"

namespace hubseal::agent::store {

namespace sql = Poco::Data::Keywords;

namespace {

bool is_of_connection(const std::exception& problem) {
  return dynamic_cast<const Poco::Data::ConnectionFailedException*>(&problem) ||
         dynamic_cast<const Poco::Data::NotConnectedException*>(&problem) ||
         dynamic_cast<const Poco::Data::PostgreSQL::ConnectionException*>(&problem);
}

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

Sessions::Sessions(std::unique_ptr<const Backend> backend) : backend_(std::move(backend)), writer_(backend_->open()) {}

Sessions::Loan::Loan(Sessions& sessions) : sessions_(sessions) {
  {
    auto readers = sessions_.readers_.lock();
    readers.wait(sessions_.reader_is_back_, [&] { return readers->lent < kMaxReaders; });
    ++readers->lent;
    if (!readers->idle.empty()) {
      session_.emplace(std::move(readers->idle.back()));
      readers->idle.pop_back();
      return;
    }
  }
  try {
    session_.emplace(sessions_.backend_->open());
  } catch (...) {
    --sessions_.readers_.lock()->lent;
    sessions_.reader_is_back_.notify_one();
    throw;
  }
}

Sessions::Loan::~Loan() {
  {
    auto readers = sessions_.readers_.lock();
    --readers->lent;
    if (kept_) readers->idle.push_back(*std::move(session_));
  }
  sessions_.reader_is_back_.notify_one();
}

void Sessions::Loan::connect_anew() {
  sessions_.readers_.lock()->idle.clear();
  session_.emplace(sessions_.backend_->open());
}

bool Sessions::answers(Session& session) noexcept {
  try {
    int one = 0;
    session << "SELECT 1", sql::into(one), sql::now;
    return one == 1;
  } catch (const std::exception&) {
    return false;
  }
}

void Sessions::begin(Session& session) {
  try {
    backend_->begin(session);
  } catch (const std::exception&) {
    roll_back(session);
    if (answers(session)) throw;
    session = backend_->open();  // the server was away; nothing was asked of it yet
    backend_->begin(session);
  }
}

void Sessions::commit(Session& session) { session << "COMMIT", sql::now; }

void Sessions::roll_back(Session& session) noexcept {
  try {
    session << "ROLLBACK", sql::now;
  } catch (const std::exception&) {
    // Nothing to undo: BEGIN itself failed, or the database has rolled back already (disk full, connection lost).
  }
}

tl::unexpected<Error> Sessions::refuse(const std::exception& problem) {
  ++(is_of_connection(problem) ? refused_connections_ : refused_others_);
  const auto* poco = dynamic_cast<const Poco::Exception*>(&problem);
  log::error("database refused", {{"problem", poco ? poco->displayText() : std::string(problem.what())}});
  return fail(Code::storage_unavailable, "the database cannot be used at the moment");
}

Result<std::unique_ptr<Sessions>> connect(const Location& location, Use use) {
  const std::string place = location.shared() ? location.postgresql : location.file.string();
  if (!location.shared() && place != kMemory) TRY(create_private(location.file));
  try {
    return std::make_unique<Sessions>(make_backend(location, use));
  } catch (const InUse& problem) {
    return fail(Code::conflict, fmt::format("database {} is in use: {}; stop the agents first", place, problem.what()));
  } catch (const Poco::Exception& problem) {
    return fail(Code::storage_unavailable,
                fmt::format("database {} cannot be opened: {}", place, problem.displayText()));
  }
}

Result<std::unique_ptr<Sessions>> connect_target(const Location& location, bool rehearse) {
  return connect(rehearse && !is_there(location) ? Location{.file = kMemory} : location, Use::alone);
}

}  // namespace hubseal::agent::store
