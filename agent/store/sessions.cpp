#include "agent/store/sessions.h"

#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Exception.h>

#include "common/log.h"

namespace hubseal::agent::store {
namespace {

namespace sql = Poco::Data::Keywords;

Session open_file(const std::string& path) {
  static const bool registered = [] {
    Poco::Data::SQLite::Connector::registerConnector();
    return true;
  }();
  static_cast<void>(registered);
  Session session(Poco::Data::SQLite::Connector::KEY, path);
  // WAL lets readers work while one writes. FULL makes a commit durable before it is acknowledged:
  // WAL's default, NORMAL, may lose the last ones in a power failure.
  std::string mode;
  session << "PRAGMA busy_timeout = 10000", sql::now;
  session << "PRAGMA journal_mode = WAL", sql::into(mode), sql::now;
  session << "PRAGMA synchronous = FULL", sql::now;
  session << "PRAGMA foreign_keys = ON", sql::now;
  return session;
}

}  // namespace

Sessions::Sessions(std::string path) : path_(std::move(path)), writer_(open_file(path_)) {}

Session Sessions::open() const { return open_file(path_); }

Session Sessions::borrow() {
  {
    auto readers = readers_.lock();
    if (!readers->empty()) {
      Session session = std::move(readers->back());
      readers->pop_back();
      return session;
    }
  }
  return open();
}

void Sessions::give_back(Session session) { readers_.lock()->push_back(std::move(session)); }

// IMMEDIATE takes the write lock at once; a deferred transaction that reads first and writes later
// can be refused half-way, when another process wrote in between.
void Sessions::begin(Session& session) { session << "BEGIN IMMEDIATE", sql::now; }

void Sessions::commit(Session& session) { session << "COMMIT", sql::now; }

void Sessions::roll_back(Session& session) noexcept {
  try {
    session << "ROLLBACK", sql::now;
  } catch (const std::exception&) {
    // Nothing to undo: BEGIN itself failed, or SQLite has rolled back already (disk full).
  }
}

tl::unexpected<Error> Sessions::refuse(const std::exception& problem) {
  const auto* poco = dynamic_cast<const Poco::Exception*>(&problem);
  log::error("database refused", {{"problem", poco ? poco->displayText() : std::string(problem.what())}});
  return fail(Code::storage_unavailable, "the database cannot be used at the moment");
}

}  // namespace hubseal::agent::store
