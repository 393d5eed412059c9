#include "agent/store/backend.h"

#include <Poco/Data/PostgreSQL/Connector.h>
#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/SQLite/SQLiteException.h>
#include <Poco/Data/Statement.h>

namespace hubseal::agent::store {
namespace {

namespace sql = Poco::Data::Keywords;
using Poco::Data::Session;

class Sqlite final : public Backend {
 public:
  Sqlite(std::string file, Use use) : file_(std::move(file)), use_(use) {
    Poco::Data::SQLite::Connector::registerConnector();
  }

  Session open() const override {
    Session session(Poco::Data::SQLite::Connector::KEY, file_);
    if (use_ == Use::alone) lock(session);
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
  /// Whoever has a database in WAL mode open holds a shared lock on its file, also between transactions; this one is
  /// held until the session ends.
  static void lock(Session& session) {
    try {
      int tables = 0;
      // Whoever has it open keeps it open, as a rule; Poco would wait for a minute, without a word.
      session << "PRAGMA busy_timeout = 2000", sql::now;
      session << "PRAGMA locking_mode = EXCLUSIVE", sql::now;
      session << "SELECT COUNT(*) FROM sqlite_master", sql::into(tables), sql::now;
      session << "BEGIN EXCLUSIVE", sql::now;
      session << "COMMIT", sql::now;
    } catch (const Poco::Data::SQLite::DBLockedException&) {
      throw InUse("another program has it open");
    }
  }

  const std::string file_;
  const Use use_;
};

class PostgreSql final : public Backend {
 public:
  PostgreSql(const std::string& connection, Use use)
      : use_(use),
        connection_(connection +
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
    if (use_ == Use::alone) require_alone(session);
    return session;
  }

  // One writer at a time, whatever its host: what SQLite's lock gives, so that both databases decide alike.
  void begin(Session& session) const override {
    session << "BEGIN", sql::now;
    int held = 0;
    session << "SELECT 1 FROM pg_advisory_xact_lock(4857543)", sql::into(held), sql::now;
  }

 private:
  /// Agents that come later wait for the writer's lock, and give up. Work on the whole of a database takes its time.
  static void require_alone(Session& session) {
    int others = 0;
    session << "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() "
               "AND application_name = 'hubseal-agent' AND pid <> pg_backend_pid()",
        sql::into(others), sql::now;
    if (others != 0) throw InUse("agents have " + std::to_string(others) + " connections to it");
    for (const char* setting : {"SET statement_timeout = 0", "SET idle_in_transaction_session_timeout = 0"})
      session << setting, sql::now;
  }

  const Use use_;
  const std::string connection_;
};

}  // namespace

std::unique_ptr<const Backend> make_backend(const Location& location, Use use) {
  if (location.shared()) return std::make_unique<PostgreSql>(location.postgresql, use);
  return std::make_unique<Sqlite>(location.file.string(), use);
}

std::vector<std::string> columns_of(Session& session, const std::string& table) {
  // Not information_schema: it hides what belongs to others.
  const bool shared = session.connector() == Poco::Data::PostgreSQL::Connector::KEY;
  const std::string text = shared ? "SELECT CAST(attname AS TEXT) FROM pg_attribute WHERE attnum > 0 AND attrelid = "
                                    "to_regclass(quote_ident(current_schema()) || '.' || quote_ident($1))"
                                  : "SELECT name FROM pragma_table_info($1)";
  std::string name = table;
  std::vector<std::string> columns;
  session << text, sql::use(name), sql::into(columns), sql::now;
  return columns;
}

}  // namespace hubseal::agent::store
