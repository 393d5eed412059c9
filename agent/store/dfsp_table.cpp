#include "agent/store/dfsp_table.h"

#include <algorithm>

#include <Poco/Data/TypeHandler.h>
#include <Poco/Nullable.h>
#include <Poco/Tuple.h>
#include <fmt/format.h>

#include "agent/store/database.h"
#include "agent/store/nullable.h"
#include "agent/store/sessions.h"

namespace hubseal::agent::store {
namespace {

namespace sql = Poco::Data::Keywords;

using Row =
    Poco::Tuple<std::string, std::string, Poco::Nullable<std::string>, Poco::Nullable<Poco::Int64>, std::string>;

/// ASCII is enough: ids are made of ASCII letters, digits and three signs.
std::string folded(std::string_view id) {
  std::string text(id);
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

Dfsp from_row(const Row& row) {
  Dfsp dfsp;
  dfsp.id = row.get<0>();
  dfsp.name = row.get<1>();
  dfsp.monetary_zone = to_optional(row.get<2>());
  if (!row.get<3>().isNull()) dfsp.is_proxy = row.get<3>().value() != 0;
  dfsp.security_group = row.get<4>();
  return dfsp;
}

Poco::Nullable<Poco::Int64> to_number(const std::optional<bool>& flag) {
  if (!flag) return {};
  return Poco::Nullable<Poco::Int64>(Poco::Int64{*flag});
}

}  // namespace

Result<> DfspTable::add(const Dfsp& dfsp, TimePoint now) {
  return database_.sessions().write([&](Session& session) -> Result<> {
    std::vector<std::string> taken;
    session << "SELECT dfsp_id FROM dfsps WHERE folded_id = $1", sql::bind(folded(dfsp.id)), sql::into(taken), sql::now;
    if (!taken.empty())
      return fail(Code::conflict, fmt::format("DFSP with id {} exists; wanted an id that is not taken", taken.front()));
    Poco::Int64 number = 0;
    session << "UPDATE counters SET value = value + 1 WHERE name = 'dfsp' RETURNING value", sql::into(number), sql::now;
    session << "INSERT INTO dfsps (dfsp_id, number, folded_id, name, monetary_zone_id, is_proxy, security_group, "
               "email, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        sql::bind(dfsp.id), sql::bind(number), sql::bind(folded(dfsp.id)), sql::bind(dfsp.name),
        sql::bind(to_nullable(dfsp.monetary_zone)), sql::bind(to_number(dfsp.is_proxy)), sql::bind(dfsp.security_group),
        sql::bind(to_nullable(dfsp.email)), sql::bind(format_utc(now)), sql::now;
    for (const std::string& currency : dfsp.fxp_currencies)
      session << "INSERT INTO dfsp_currencies (dfsp_id, currency) VALUES ($1, $2) ON CONFLICT DO NOTHING",
          sql::bind(dfsp.id), sql::bind(currency), sql::now;
    return {};
  });
}

Result<bool> DfspTable::exists(std::string_view id) {
  return database_.sessions().read([&](Session& session) -> Result<bool> {
    int rows = 0;
    session << "SELECT COUNT(*) FROM dfsps WHERE dfsp_id = $1", sql::bind(std::string(id)), sql::into(rows), sql::now;
    return rows != 0;
  });
}

Result<std::optional<std::string>> DfspTable::security_group(std::string_view id) {
  return database_.sessions().read([&](Session& session) -> Result<std::optional<std::string>> {
    std::vector<std::string> groups;
    session << "SELECT security_group FROM dfsps WHERE dfsp_id = $1", sql::bind(std::string(id)), sql::into(groups),
        sql::now;
    return groups.empty() ? std::nullopt : std::optional(groups.front());
  });
}

Result<std::vector<Dfsp>> DfspTable::list() {
  return database_.sessions().read([](Session& session) -> Result<std::vector<Dfsp>> {
    std::vector<Row> rows;
    session << "SELECT dfsp_id, name, monetary_zone_id, is_proxy, security_group FROM dfsps ORDER BY number",
        sql::into(rows), sql::now;
    std::vector<Dfsp> dfsps(rows.size());
    std::transform(rows.begin(), rows.end(), dfsps.begin(), from_row);
    return dfsps;
  });
}

}  // namespace hubseal::agent::store
