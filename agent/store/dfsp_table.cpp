#include "agent/store/dfsp_table.h"

#include <algorithm>

#include <Poco/Data/TypeHandler.h>
#include <Poco/Nullable.h>
#include <Poco/Tuple.h>
#include <fmt/format.h>

#include "agent/store/database.h"
#include "agent/store/nullable.h"
#include "agent/store/outbound_enrollment_table.h"
#include "agent/store/sessions.h"
#include "common/log.h"

namespace hubseal::agent::store {
namespace {

namespace sql = Poco::Data::Keywords;

using Row =
    Poco::Tuple<std::string, std::string, Poco::Nullable<std::string>, Poco::Nullable<Poco::Int64>, std::string>;

// In the order of Row.
constexpr std::string_view kSelect = "SELECT dfsp_id, name, monetary_zone_id, is_proxy, security_group FROM dfsps ";

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

std::optional<Dfsp> select_one(Session& session, const std::string& id) {
  std::vector<Row> rows;
  session << std::string(kSelect) + "WHERE dfsp_id = $1", sql::bind(id), sql::into(rows), sql::now;
  if (rows.empty()) return std::nullopt;
  return from_row(rows.front());
}

Result<> check_currency(Session& session, std::string_view member, const std::string& currency) {
  int known = 0;
  session << "SELECT COUNT(*) FROM monetary_zones WHERE monetary_zone_id = $1", sql::bind(currency), sql::into(known),
      sql::now;
  if (known != 0) return {};
  return fail(Code::bad_request, fmt::format("{} is \"{}\"; wanted a currency of ISO 4217, such as EUR", member,
                                             log::printable(currency, 16)));
}

/// A certificate that was made stays in the world, whatever is removed here: so does the record of whose it is.
Result<> check_nothing_signed(Session& session, const std::string& id) {
  int certificates = 0;
  session << "SELECT COUNT(*) FROM (SELECT id FROM inbound_enrollments WHERE dfsp_id = $1 AND "
             "(state = 'CERT_SIGNED' OR signing_request IS NOT NULL) UNION ALL "
             "SELECT id FROM outbound_enrollments WHERE dfsp_id = $1 AND state = 'CERT_SIGNED') AS certificates",
      sql::bind(id), sql::into(certificates), sql::now;
  if (certificates == 0) return {};
  return fail(Code::conflict, fmt::format("DFSP {} has {} enrollments that are signed, or for which a certificate was "
                                          "asked; wanted none: the record of certificates is kept",
                                          id, certificates));
}

}  // namespace

std::string folded(std::string_view id) {
  std::string text(id);
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

Result<> DfspTable::add(const Dfsp& dfsp, TimePoint now) {
  return database_.sessions().write([&](Session& session) -> Result<> {
    std::vector<std::string> taken;
    session << "SELECT dfsp_id FROM dfsps WHERE folded_id = $1", sql::bind(folded(dfsp.id)), sql::into(taken), sql::now;
    if (!taken.empty())
      return fail(Code::conflict, fmt::format("DFSP with id {} exists; wanted an id that is not taken", taken.front()));
    if (dfsp.monetary_zone) TRY(check_currency(session, "monetaryZoneId", *dfsp.monetary_zone));
    for (const std::string& currency : dfsp.fxp_currencies) TRY(check_currency(session, "fxpCurrencies", currency));
    Poco::Int64 number = 0;
    session << "UPDATE counters SET value = value + 1 WHERE name = 'dfsp' RETURNING value", sql::into(number), sql::now;
    session << "INSERT INTO dfsps (dfsp_id, number, folded_id, name, monetary_zone_id, is_proxy, security_group, "
               "email, created_at, ping_status_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
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

Result<bool> DfspTable::is_proxy(std::string_view id) {
  return database_.sessions().read([&](Session& session) -> Result<bool> {
    int rows = 0;
    session << "SELECT COUNT(*) FROM dfsps WHERE dfsp_id = $1 AND is_proxy = 1", sql::bind(std::string(id)),
        sql::into(rows), sql::now;
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
    session << std::string(kSelect) + "ORDER BY number", sql::into(rows), sql::now;
    std::vector<Dfsp> dfsps(rows.size());
    std::transform(rows.begin(), rows.end(), dfsps.begin(), from_row);
    return dfsps;
  });
}

Result<std::optional<Dfsp>> DfspTable::find(std::string_view id) {
  return database_.sessions().read([&](Session& session) -> Result<std::optional<Dfsp>> {
    auto dfsp = select_one(session, std::string(id));
    if (dfsp)
      session << "SELECT currency FROM dfsp_currencies WHERE dfsp_id = $1 ORDER BY currency", sql::bind(dfsp->id),
          sql::into(dfsp->fxp_currencies), sql::now;
    return dfsp;
  });
}

Result<std::optional<Dfsp>> DfspTable::change(std::string_view id, const DfspChange& change) {
  return database_.sessions().write([&](Session& session) -> Result<std::optional<Dfsp>> {
    if (change.monetary_zone) TRY(check_currency(session, "monetaryZoneId", *change.monetary_zone));
    session << "UPDATE dfsps SET name = COALESCE($1, name), monetary_zone_id = COALESCE($2, monetary_zone_id), "
               "is_proxy = COALESCE($3, is_proxy), security_group = COALESCE($4, security_group) WHERE dfsp_id = $5",
        sql::bind(to_nullable(change.name)), sql::bind(to_nullable(change.monetary_zone)),
        sql::bind(to_number(change.is_proxy)), sql::bind(to_nullable(change.security_group)),
        sql::bind(std::string(id)), sql::now;
    return select_one(session, std::string(id));
  });
}

Result<std::optional<std::vector<std::string>>> DfspTable::remove(std::string_view id) {
  using Labels = std::vector<std::string>;
  return database_.sessions().write([&](Session& session) -> Result<std::optional<Labels>> {
    const std::string dfsp_id(id);
    if (!select_one(session, dfsp_id)) return std::nullopt;
    TRY(check_nothing_signed(session, dfsp_id));
    Labels keys;
    session << "SELECT key_label FROM outbound_enrollments WHERE dfsp_id = $1 AND key_label NOT LIKE $2",
        sql::bind(dfsp_id), sql::bind(fmt::format("{}%", kNotInHsm)), sql::into(keys), sql::now;
    session << "DELETE FROM inbound_enrollments WHERE dfsp_id = $1", sql::bind(dfsp_id), sql::now;
    session << "DELETE FROM outbound_enrollments WHERE dfsp_id = $1", sql::bind(dfsp_id), sql::now;
    session << "DELETE FROM jws_keys WHERE folded_id = $1", sql::bind(folded(dfsp_id)), sql::now;
    // Its other rows go with it (ON DELETE CASCADE).
    session << "DELETE FROM dfsps WHERE dfsp_id = $1", sql::bind(dfsp_id), sql::now;
    return keys;
  });
}

}  // namespace hubseal::agent::store
