#include "agent/store/browser_session_table.h"

#include <vector>

#include <Poco/Data/TypeHandler.h>
#include <Poco/Tuple.h>

#include "agent/store/database.h"
#include "agent/store/sessions.h"

namespace hubseal::agent::store {
namespace {

namespace sql = Poco::Data::Keywords;

using Row = Poco::Tuple<std::string, std::string, std::string, Poco::Int64, Poco::Int64>;

Poco::Int64 number(TimePoint time) { return time.time_since_epoch().count(); }
TimePoint time(Poco::Int64 number) { return TimePoint(std::chrono::seconds(number)); }

}  // namespace

Result<> BrowserSessionTable::add(const BrowserSession& session) {
  return database_.sessions().write([&](Session& database) -> Result<> {
    database << "DELETE FROM browser_sessions WHERE expires_at <= $1", sql::bind(number(session.created_at)), sql::now;
    database
        << "DELETE FROM browser_sessions WHERE subject = $1 AND id_hash NOT IN (SELECT id_hash FROM browser_sessions "
           "WHERE subject = $2 ORDER BY created_at DESC, id_hash LIMIT $3)",
        sql::bind(session.subject), sql::bind(session.subject), sql::bind(kMaxSessionsOfOne - 1), sql::now;
    database << "INSERT INTO browser_sessions (id_hash, subject, identity, created_at, expires_at) "
                "VALUES ($1, $2, $3, $4, $5)",
        sql::bind(session.id_hash), sql::bind(session.subject), sql::bind(session.identity_json),
        sql::bind(number(session.created_at)), sql::bind(number(session.expires_at)), sql::now;
    return {};
  });
}

Result<std::optional<BrowserSession>> BrowserSessionTable::find(std::string_view id_hash, TimePoint now) {
  return database_.sessions().read([&](Session& database) -> Result<std::optional<BrowserSession>> {
    std::vector<Row> rows;
    database << "SELECT id_hash, subject, identity, created_at, expires_at FROM browser_sessions "
                "WHERE id_hash = $1 AND expires_at > $2",
        sql::bind(std::string(id_hash)), sql::bind(number(now)), sql::into(rows), sql::now;
    if (rows.empty()) return std::nullopt;
    const Row& row = rows.front();
    return BrowserSession{row.get<0>(), row.get<1>(), row.get<2>(), time(row.get<3>()), time(row.get<4>())};
  });
}

Result<> BrowserSessionTable::remove(std::string_view id_hash) {
  return database_.sessions().write([&](Session& database) -> Result<> {
    database << "DELETE FROM browser_sessions WHERE id_hash = $1", sql::bind(std::string(id_hash)), sql::now;
    return {};
  });
}

}  // namespace hubseal::agent::store
