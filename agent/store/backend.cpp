#include "agent/store/backend.h"

#include <Poco/Data/PostgreSQL/Connector.h>
#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/Statement.h>

namespace hubseal::agent::store {
namespace {

namespace sql = Poco::Data::Keywords;
using Poco::Data::Session;

class Sqlite final : public Backend {
 public:
  explicit Sqlite(std::string file) : file_(std::move(file)) { Poco::Data::SQLite::Connector::registerConnector(); }

  Session open() const override {
    Session session(Poco::Data::SQLite::Connector::KEY, file_);
    // WAL lets readers work while one writes. FULL makes a commit durable before it is acknowledged:
    // WAL's default, NORMAL, may lose the last ones in a power failure.
    std::string mode;
    session << "PRAGMA busy_timeout = 10000", sql::now;
    session << "PRAGMA journal_mode = WAL", sql::into(mode), sql::now;
    session << "PRAGMA synchronous = FULL", sql::now;
    session << "PRAGMA foreign_keys = ON", sql::now;
    return session;
  }

  // IMMEDIATE takes the write lock at once; a deferred transaction that reads first and writes later
  // can be refused half-way, when another process wrote in between.
  void begin(Session& session) const override { session << "BEGIN IMMEDIATE", sql::now; }

 private:
  const std::string file_;
};

class PostgreSql final : public Backend {
 public:
  explicit PostgreSql(const std::string& connection)
      : connection_(connection +
                    " client_encoding=UTF8 application_name=hubseal-agent connect_timeout=5 "
                    "keepalives_idle=10 tcp_user_timeout=30000") {
    Poco::Data::PostgreSQL::Connector::registerConnector();
  }

  Session open() const override {
    Session session(Poco::Data::PostgreSQL::Connector::KEY, connection_, 5);
    // Whoever hangs lets go, so that another agent can go on. A commit is durable before it is acknowledged.
    for (const char* setting :
         {"SET client_min_messages = error", "SET synchronous_commit = on", "SET lock_timeout = '10s'",
          "SET statement_timeout = '30s'", "SET idle_in_transaction_session_timeout = '60s'"})
      session << setting, sql::now;
    return session;
  }

  // One writer at a time, whatever its host: what SQLite's lock gives, so that both databases decide alike.
  void begin(Session& session) const override {
    session << "BEGIN", sql::now;
    int held = 0;
    session << "SELECT 1 FROM pg_advisory_xact_lock(4857543)", sql::into(held), sql::now;
  }

 private:
  const std::string connection_;
};

}  // namespace

std::unique_ptr<const Backend> make_backend(const Location& location) {
  if (location.shared()) return std::make_unique<PostgreSql>(location.postgresql);
  return std::make_unique<Sqlite>(location.file.string());
}

}  // namespace hubseal::agent::store
