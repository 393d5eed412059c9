#include "agent/store/connectivity_table.h"

#include <map>

#include <Poco/Data/TypeHandler.h>
#include <Poco/Tuple.h>

#include "agent/store/database.h"
#include "agent/store/nullable.h"
#include "agent/store/sessions.h"

namespace hubseal::agent::store {
namespace {

namespace sql = Poco::Data::Keywords;

using Text = Poco::Nullable<std::string>;
using DfspRow = Poco::Tuple<std::string, Text, Text>;
using StateRow = Poco::Tuple<std::string, std::string, std::string, Text, Text, std::string>;

/// How far a step is: two numbers for the DFSP $1, each 0 for "no": whether it has begun, whether it is done.
struct StepQuery {
  std::string_view identifier;
  std::string_view sql;
};

// Both directions are known when there is, for each, a connector's document or an item that was confirmed.
constexpr std::string_view kEndpoints =
    "SELECT COUNT(*), CASE WHEN COUNT(DISTINCT CASE WHEN known = 1 THEN direction END) = 2 THEN 1 ELSE 0 END FROM ("
    "SELECT direction, 1 AS known FROM dfsp_endpoints WHERE dfsp_id = $1 UNION ALL "
    "SELECT direction, CASE WHEN state = 'CONFIRMED' THEN 1 ELSE 0 END AS known FROM endpoint_items WHERE dfsp_id = $1"
    ") AS endpoints";
// A participant may have ten thousands of them: they are looked for, not counted.
constexpr std::string_view kCsrs =
    "SELECT CASE WHEN EXISTS (SELECT 1 FROM inbound_enrollments WHERE dfsp_id = $1) THEN 1 ELSE 0 END, "
    "CASE WHEN EXISTS (SELECT 1 FROM inbound_enrollments WHERE dfsp_id = $1 AND state = 'CERT_SIGNED') THEN 1 ELSE 0 "
    "END";
// What was uploaded and is not good is a beginning.
constexpr std::string_view kCa =
    "SELECT COUNT(*), COUNT(CASE WHEN validation_state = 'VALID' AND root_certificate <> '' THEN 1 END) FROM dfsp_cas "
    "WHERE dfsp_id = $1";
constexpr std::string_view kServerCertificates =
    "SELECT COUNT(*), COUNT(CASE WHEN validation_state = 'VALID' THEN 1 END) FROM dfsp_server_certs WHERE dfsp_id = $1";
constexpr std::string_view kJws =
    "SELECT COUNT(*), COUNT(CASE WHEN validation_state = 'VALID' THEN 1 END) FROM jws_keys "
    "WHERE dfsp_id = $1 AND native = 1";

constexpr StepQuery kSteps[] = {{"ENDPOINTS", kEndpoints},
                                {"CSR_EXCHANGE", kCsrs},
                                {"CERTIFICATE_AUTHORITY", kCa},
                                {"SERVER_CERTIFICATES_EXCHANGE", kServerCertificates},
                                {"JWS_CERTIFICATES", kJws}};

std::map<std::string, std::vector<ConnectorState>> select_states(Session& session) {
  std::vector<StateRow> rows;
  session << "SELECT dfsp_id, state, status, state_description, error_description, last_updated FROM dfsp_states",
      sql::into(rows), sql::now;
  std::map<std::string, std::vector<ConnectorState>> states;
  for (const StateRow& row : rows)
    states[row.get<0>()].push_back({.state = row.get<1>(),
                                    .status = row.get<2>(),
                                    .state_description = to_optional(row.get<3>()),
                                    .error_description = to_optional(row.get<4>()),
                                    .last_updated = row.get<5>()});
  return states;
}

}  // namespace

Result<> ConnectivityTable::set_states(const std::string& dfsp_id, const std::vector<ConnectorState>& states) {
  return database_.sessions().write([&](Session& session) -> Result<> {
    // Connectors repeat themselves every minute: what is there already is not written again.
    for (const ConnectorState& state : states)
      session << "INSERT INTO dfsp_states AS was (dfsp_id, state, status, state_description, error_description, "
                 "last_updated) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (dfsp_id, state) DO UPDATE SET "
                 "status = excluded.status, state_description = excluded.state_description, "
                 "error_description = excluded.error_description, last_updated = excluded.last_updated "
                 "WHERE was.status <> excluded.status OR was.last_updated <> excluded.last_updated "
                 "OR COALESCE(was.state_description, '') <> COALESCE(excluded.state_description, '') "
                 "OR COALESCE(was.error_description, '') <> COALESCE(excluded.error_description, '')",
          sql::bind(dfsp_id), sql::bind(state.state), sql::bind(state.status),
          sql::bind(to_nullable(state.state_description)), sql::bind(to_nullable(state.error_description)),
          sql::bind(state.last_updated), sql::now;
    return {};
  });
}

Result<> ConnectivityTable::set_ping(const std::string& dfsp_id, const std::string& status, TimePoint now) {
  return database_.sessions().write([&](Session& session) -> Result<> {
    session << "UPDATE dfsps SET ping_status = $1, ping_status_at = $2 WHERE dfsp_id = $3", sql::bind(status),
        sql::bind(format_utc(now)), sql::bind(dfsp_id), sql::now;
    return {};
  });
}

Result<std::vector<Connectivity>> ConnectivityTable::list() {
  return database_.sessions().read([](Session& session) -> Result<std::vector<Connectivity>> {
    auto states = select_states(session);
    std::vector<DfspRow> rows;
    session << "SELECT dfsp_id, ping_status, ping_status_at FROM dfsps ORDER BY number", sql::into(rows), sql::now;
    std::vector<Connectivity> list;
    for (const DfspRow& row : rows)
      list.push_back({.dfsp_id = row.get<0>(),
                      .ping_status = to_optional(row.get<1>()),
                      .ping_status_at = to_optional(row.get<2>()).value_or(""),
                      .states = std::move(states[row.get<0>()])});
    return list;
  });
}

Result<std::vector<OnboardingStep>> ConnectivityTable::onboarding(const std::string& dfsp_id) {
  return database_.sessions().read([&](Session& session) -> Result<std::vector<OnboardingStep>> {
    std::vector<OnboardingStep> steps;
    for (const StepQuery& query : kSteps) {
      Poco::Int64 begun = 0;
      Poco::Int64 done = 0;
      session << std::string(query.sql), sql::bind(dfsp_id), sql::into(begun), sql::into(done), sql::now;
      steps.push_back({std::string(query.identifier), begun != 0, done != 0});
    }
    return steps;
  });
}

}  // namespace hubseal::agent::store
