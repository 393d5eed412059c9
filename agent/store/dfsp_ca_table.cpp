#include "agent/store/dfsp_ca_table.h"

#include <Poco/Data/TypeHandler.h>
#include <Poco/Tuple.h>

#include "agent/store/database.h"
#include "agent/store/sessions.h"

namespace hubseal::agent::store {

namespace sql = Poco::Data::Keywords;

Result<std::optional<DfspCa>> DfspCaTable::find(std::string_view dfsp_id) {
  return database_.sessions().read([&](Session& session) -> Result<std::optional<DfspCa>> {
    std::vector<Poco::Tuple<std::string, std::string, std::string, std::string>> rows;
    session << "SELECT root_certificate, intermediate_chain, validations, validation_state FROM dfsp_cas "
               "WHERE dfsp_id = $1",
        sql::bind(std::string(dfsp_id)), sql::into(rows), sql::now;
    if (rows.empty()) return std::nullopt;
    const auto& row = rows.front();
    return DfspCa{row.get<0>(), row.get<1>(), row.get<2>(), row.get<3>()};
  });
}

Result<> DfspCaTable::put(std::string_view dfsp_id, const DfspCa& ca, TimePoint now) {
  return database_.sessions().write([&](Session& session) -> Result<> {
    session << "INSERT INTO dfsp_cas (dfsp_id, root_certificate, intermediate_chain, validations, validation_state, "
               "stored_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (dfsp_id) DO UPDATE SET "
               "root_certificate = excluded.root_certificate, intermediate_chain = excluded.intermediate_chain, "
               "validations = excluded.validations, validation_state = excluded.validation_state, "
               "stored_at = excluded.stored_at",
        sql::bind(std::string(dfsp_id)), sql::bind(ca.root_certificate), sql::bind(ca.intermediate_chain),
        sql::bind(ca.validations_json), sql::bind(ca.validation_state), sql::bind(format_utc(now)), sql::now;
    return {};
  });
}

}  // namespace hubseal::agent::store
