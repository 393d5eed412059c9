#include "agent/store/dfsp_server_cert_table.h"

#include <algorithm>

#include <Poco/Data/TypeHandler.h>
#include <Poco/Tuple.h>

#include "agent/store/database.h"
#include "agent/store/nullable.h"
#include "agent/store/sessions.h"

namespace hubseal::agent::store {
namespace {

namespace sql = Poco::Data::Keywords;

using Row = Poco::Tuple<std::string, Poco::Nullable<std::string>, Poco::Nullable<std::string>, std::string, std::string,
                        std::string>;

// In the order of Row.
constexpr std::string_view kSelect =
    "SELECT c.dfsp_id, c.root_certificate, c.intermediate_chain, c.server_certificate, c.validations, "
    "c.validation_state FROM dfsp_server_certs c ";

DfspServerCert from_row(const Row& row) {
  return {row.get<0>(), to_optional(row.get<1>()), to_optional(row.get<2>()), row.get<3>(), row.get<4>(), row.get<5>()};
}

}  // namespace

Result<std::optional<DfspServerCert>> DfspServerCertTable::find(std::string_view dfsp_id) {
  return database_.sessions().read([&](Session& session) -> Result<std::optional<DfspServerCert>> {
    std::vector<Row> rows;
    session << std::string(kSelect).append("WHERE c.dfsp_id = $1"), sql::bind(std::string(dfsp_id)), sql::into(rows),
        sql::now;
    if (rows.empty()) return std::nullopt;
    return from_row(rows.front());
  });
}

Result<std::vector<DfspServerCert>> DfspServerCertTable::list() {
  return database_.sessions().read([](Session& session) -> Result<std::vector<DfspServerCert>> {
    std::vector<Row> rows;
    session << std::string(kSelect).append("JOIN dfsps d ON d.dfsp_id = c.dfsp_id ORDER BY d.number"), sql::into(rows),
        sql::now;
    std::vector<DfspServerCert> certificates(rows.size());
    std::transform(rows.begin(), rows.end(), certificates.begin(), from_row);
    return certificates;
  });
}

Result<> DfspServerCertTable::put(const DfspServerCert& c, TimePoint now) {
  return database_.sessions().write([&](Session& session) -> Result<> {
    session << "INSERT INTO dfsp_server_certs (dfsp_id, root_certificate, intermediate_chain, server_certificate, "
               "validations, validation_state, stored_at) VALUES ($1, $2, $3, $4, $5, $6, $7) "
               "ON CONFLICT (dfsp_id) DO UPDATE SET root_certificate = excluded.root_certificate, "
               "intermediate_chain = excluded.intermediate_chain, server_certificate = excluded.server_certificate, "
               "validations = excluded.validations, validation_state = excluded.validation_state, "
               "stored_at = excluded.stored_at",
        sql::bind(c.dfsp_id), sql::bind(to_nullable(c.root_certificate)), sql::bind(to_nullable(c.intermediate_chain)),
        sql::bind(c.server_certificate), sql::bind(c.validations_json), sql::bind(c.validation_state),
        sql::bind(format_utc(now)), sql::now;
    return {};
  });
}

Result<> DfspServerCertTable::remove(std::string_view dfsp_id) {
  return database_.sessions().write([&](Session& session) -> Result<> {
    session << "DELETE FROM dfsp_server_certs WHERE dfsp_id = $1", sql::bind(std::string(dfsp_id)), sql::now;
    return {};
  });
}

}  // namespace hubseal::agent::store
