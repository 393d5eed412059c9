#include "agent/store/endpoint_document_table.h"

#include <Poco/Data/TypeHandler.h>
#include <Poco/Nullable.h>
#include <Poco/Tuple.h>
#include <fmt/format.h>

#include "agent/store/database.h"
#include "agent/store/sessions.h"

namespace hubseal::agent::store {
namespace {

namespace sql = Poco::Data::Keywords;

using Row = Poco::Tuple<Poco::Int64, std::string, std::string, Poco::Nullable<std::string>>;

/// `condition`: nothing, or one that begins with AND.
std::optional<EndpointDocument> select_latest(Session& session, const std::string& dfsp_id,
                                              const std::string& direction, std::string_view condition = "") {
  std::vector<Row> rows;
  session << fmt::format(
      "SELECT id, value, created_at, confirmed_at FROM dfsp_endpoints WHERE dfsp_id = $1 "
      "AND direction = $2 {} ORDER BY id DESC LIMIT 1",
      condition),
      sql::bind(dfsp_id), sql::bind(direction), sql::into(rows), sql::now;
  if (rows.empty()) return std::nullopt;
  const Row& row = rows.front();
  return EndpointDocument{.id = row.get<0>(),
                          .dfsp_id = dfsp_id,
                          .direction = direction,
                          .value_json = row.get<1>(),
                          .created_at = row.get<2>(),
                          .confirmed = !row.get<3>().isNull()};
}

}  // namespace

Result<EndpointDocument> EndpointDocumentTable::add(EndpointDocument document, TimePoint now) {
  return database_.sessions().write([&](Session& session) -> Result<EndpointDocument> {
    // Connectors upload the same document for ever.
    if (auto last = select_latest(session, document.dfsp_id, document.direction);
        last && last->value_json == document.value_json)
      return *std::move(last);
    Poco::Int64 id = 0;
    session << "UPDATE counters SET value = value + 1 WHERE name = 'dfsp_endpoint' RETURNING value", sql::into(id),
        sql::now;
    document.id = id;
    document.created_at = format_utc(now);
    session << "INSERT INTO dfsp_endpoints (id, dfsp_id, direction, value, created_at) VALUES ($1, $2, $3, $4, $5)",
        sql::bind(id), sql::bind(document.dfsp_id), sql::bind(document.direction), sql::bind(document.value_json),
        sql::bind(document.created_at), sql::now;
    session << "DELETE FROM dfsp_endpoints WHERE dfsp_id = $1 AND direction = $2 AND id NOT IN (SELECT id FROM "
               "dfsp_endpoints WHERE dfsp_id = $1 AND direction = $2 ORDER BY id DESC LIMIT $3) AND id <> COALESCE("
               "(SELECT MAX(id) FROM dfsp_endpoints WHERE dfsp_id = $1 AND direction = $2 AND confirmed_at IS NOT "
               "NULL), 0)",
        sql::bind(document.dfsp_id), sql::bind(document.direction), sql::bind(kKeptEndpointDocuments), sql::now;
    return document;
  });
}

Result<std::optional<EndpointDocument>> EndpointDocumentTable::latest(const std::string& dfsp_id,
                                                                      const std::string& direction) {
  return database_.sessions().read([&](Session& session) -> Result<std::optional<EndpointDocument>> {
    return select_latest(session, dfsp_id, direction);
  });
}

Result<std::optional<EndpointDocument>> EndpointDocumentTable::latest_confirmed(const std::string& dfsp_id,
                                                                                const std::string& direction) {
  return database_.sessions().read([&](Session& session) -> Result<std::optional<EndpointDocument>> {
    return select_latest(session, dfsp_id, direction, "AND confirmed_at IS NOT NULL");
  });
}

Result<std::optional<EndpointDocument>> EndpointDocumentTable::confirm(const std::string& dfsp_id,
                                                                       const std::string& direction, std::int64_t id,
                                                                       TimePoint now) {
  return database_.sessions().write([&](Session& session) -> Result<std::optional<EndpointDocument>> {
    session << "UPDATE dfsp_endpoints SET confirmed_at = $1 WHERE id = $2 AND dfsp_id = $3 AND direction = $4 "
               "AND confirmed_at IS NULL",
        sql::bind(format_utc(now)), sql::bind(Poco::Int64{id}), sql::bind(dfsp_id), sql::bind(direction), sql::now;
    return select_latest(session, dfsp_id, direction, fmt::format("AND id = {}", id));
  });
}

}  // namespace hubseal::agent::store
