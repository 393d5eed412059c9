#include "agent/store/monetary_zone_table.h"

#include <Poco/Data/TypeHandler.h>
#include <Poco/Tuple.h>

#include "agent/store/database.h"
#include "agent/store/sessions.h"

namespace hubseal::agent::store {

namespace sql = Poco::Data::Keywords;

Result<std::vector<MonetaryZone>> MonetaryZoneTable::list() {
  return database_.sessions().read([](Session& session) -> Result<std::vector<MonetaryZone>> {
    std::vector<Poco::Tuple<std::string, std::string, std::string>> rows;
    session << "SELECT monetary_zone_id, name, created_at FROM monetary_zones ORDER BY monetary_zone_id",
        sql::into(rows), sql::now;
    std::vector<MonetaryZone> zones;
    for (const auto& row : rows) zones.push_back({row.get<0>(), row.get<1>(), row.get<2>()});
    return zones;
  });
}

}  // namespace hubseal::agent::store
