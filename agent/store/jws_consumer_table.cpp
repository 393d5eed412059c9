#include "agent/store/jws_consumer_table.h"

#include <algorithm>

#include <Poco/Data/TypeHandler.h>
#include <Poco/Tuple.h>
#include <fmt/format.h>

#include "agent/store/database.h"
#include "agent/store/sessions.h"

namespace hubseal::agent::store {
namespace {

namespace sql = Poco::Data::Keywords;

using Row = Poco::Tuple<std::string, std::string, std::string>;

}  // namespace

Result<std::vector<JwsConsumer>> JwsConsumerTable::list() {
  return database_.sessions().read([](Session& session) -> Result<std::vector<JwsConsumer>> {
    std::vector<Row> rows;
    session << "SELECT name, loaded, reported_at FROM jws_consumers ORDER BY name", sql::into(rows), sql::now;
    std::vector<JwsConsumer> consumers;
    for (const Row& row : rows) consumers.push_back({row.get<0>(), row.get<1>(), row.get<2>()});
    return consumers;
  });
}

Result<> JwsConsumerTable::put(const std::string& name, const std::string& loaded_json, TimePoint now) {
  return database_.sessions().write([&](Session& session) -> Result<> {
    session << "INSERT INTO jws_consumers (name, loaded, reported_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE "
               "SET loaded = excluded.loaded, reported_at = excluded.reported_at",
        sql::bind(name), sql::bind(loaded_json), sql::bind(format_utc(now)), sql::now;
    int count = 0;
    session << "SELECT COUNT(*) FROM jws_consumers", sql::into(count), sql::now;
    if (count <= kMaxJwsConsumers) return {};
    return fail(Code::conflict,
                fmt::format("there are {} consumers already; remove one that is no more (DELETE)", kMaxJwsConsumers));
  });
}

Result<> JwsConsumerTable::remove(const std::string& name) {
  return database_.sessions().write([&](Session& session) -> Result<> {
    session << "DELETE FROM jws_consumers WHERE name = $1", sql::bind(name), sql::now;
    return {};
  });
}

}  // namespace hubseal::agent::store
