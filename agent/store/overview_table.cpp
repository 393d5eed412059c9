#include "agent/store/overview_table.h"

#include <Poco/Data/TypeHandler.h>
#include <Poco/Tuple.h>

#include "agent/store/database.h"
#include "agent/store/sessions.h"

namespace hubseal::agent::store {
namespace {

namespace sql = Poco::Data::Keywords;

using CountRow = Poco::Tuple<std::string, std::string, Poco::Int64>;
using CertificateRow = Poco::Tuple<std::string, std::string, std::string>;

constexpr std::string_view kCounts =
    "SELECT 'inbound' AS direction, state, COUNT(*) FROM inbound_enrollments GROUP BY state UNION ALL "
    "SELECT 'outbound' AS direction, state, COUNT(*) FROM outbound_enrollments GROUP BY state";

constexpr std::string_view kCertificates =
    "SELECT dfsp_id, 'client' AS what, certificate FROM inbound_enrollments WHERE id IN "
    "(SELECT MAX(id) FROM inbound_enrollments WHERE state = 'CERT_SIGNED' GROUP BY dfsp_id) UNION ALL "
    "SELECT dfsp_id, 'hub_client' AS what, usable_certificate FROM outbound_enrollments WHERE id IN "
    "(SELECT MAX(id) FROM outbound_enrollments WHERE usable_certificate IS NOT NULL GROUP BY dfsp_id) UNION ALL "
    "SELECT dfsp_id, 'ca' AS what, root_certificate FROM dfsp_cas WHERE root_certificate <> '' UNION ALL "
    "SELECT dfsp_id, 'server' AS what, server_certificate FROM dfsp_server_certs";

}  // namespace

Result<std::vector<EnrollmentCount>> OverviewTable::enrollments() {
  return database_.sessions().read([](Session& session) -> Result<std::vector<EnrollmentCount>> {
    std::vector<CountRow> rows;
    session << std::string(kCounts), sql::into(rows), sql::now;
    std::vector<EnrollmentCount> counts;
    for (const CountRow& row : rows) counts.push_back({row.get<0>(), row.get<1>(), row.get<2>()});
    return counts;
  });
}

Result<std::vector<CertificateInUse>> OverviewTable::certificates() {
  return database_.sessions().read([](Session& session) -> Result<std::vector<CertificateInUse>> {
    std::vector<CertificateRow> rows;
    session << std::string(kCertificates), sql::into(rows), sql::now;
    std::vector<CertificateInUse> certificates;
    for (const CertificateRow& row : rows) certificates.push_back({row.get<0>(), row.get<1>(), row.get<2>()});
    return certificates;
  });
}

Result<std::vector<std::pair<std::string, std::int64_t>>> OverviewTable::jws_keys() {
  return database_.sessions().read([](Session& session) -> Result<std::vector<std::pair<std::string, std::int64_t>>> {
    std::vector<Poco::Tuple<std::string, Poco::Int64>> rows;
    session << "SELECT possession, COUNT(*) FROM jws_keys WHERE native = 1 AND validation_state = 'VALID' GROUP BY "
               "possession ORDER BY possession",
        sql::into(rows), sql::now;
    std::vector<std::pair<std::string, std::int64_t>> counts;
    for (const auto& row : rows) counts.emplace_back(row.get<0>(), row.get<1>());
    return counts;
  });
}

Result<std::optional<std::string>> OverviewTable::hub_server_certificate() {
  return database_.sessions().read([](Session& session) -> Result<std::optional<std::string>> {
    std::vector<std::string> found;
    session << "SELECT server_certificate FROM hub_server_cert", sql::into(found), sql::now;
    return found.empty() ? std::nullopt : std::optional(found.front());
  });
}

}  // namespace hubseal::agent::store
