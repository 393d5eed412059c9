#include "agent/store/endpoint_item_table.h"

#include <algorithm>

#include <Poco/Data/TypeHandler.h>
#include <Poco/Tuple.h>
#include <fmt/format.h>

#include "agent/store/database.h"
#include "agent/store/nullable.h"
#include "agent/store/sessions.h"

namespace hubseal::agent::store {
namespace {

namespace sql = Poco::Data::Keywords;

using Owner = EndpointItemTable::Owner;
using Row = Poco::Tuple<Poco::Int64, Poco::Nullable<std::string>, std::string, std::string, std::string, std::string,
                        std::string, Poco::Nullable<Poco::Int64>>;

// In the order of Row.
constexpr std::string_view kSelect =
    "SELECT id, dfsp_id, state, direction, type, value, created_at, value_changed_at FROM endpoint_items WHERE ";

EndpointItem from_row(const Row& row) {
  return {.id = row.get<0>(),
          .dfsp_id = to_optional(row.get<1>()),
          .state = row.get<2>(),
          .direction = row.get<3>(),
          .type = row.get<4>(),
          .value_json = row.get<5>(),
          .created_at = row.get<6>(),
          .value_changed_at = to_optional(row.get<7>())};
}

std::vector<EndpointItem> from_rows(const std::vector<Row>& rows) {
  std::vector<EndpointItem> items(rows.size());
  std::transform(rows.begin(), rows.end(), items.begin(), from_row);
  return items;
}

/// In every statement about one owner's items; owner_text() is bound to `parameter`. SQLite counts parameters in the
/// order in which they first stand in a statement, so that is how they are numbered.
std::string owned(const Owner& owner, std::string_view parameter = "$1") {
  return owner ? fmt::format("dfsp_id = {}", parameter) : fmt::format("dfsp_id IS NULL AND {} = ''", parameter);
}

std::string owner_text(const Owner& owner) { return owner.value_or(""); }

std::vector<EndpointItem> select_all(Session& session, const Owner& owner) {
  std::vector<Row> rows;
  session << fmt::format("{}{} ORDER BY id", kSelect, owned(owner)), sql::bind(owner_text(owner)), sql::into(rows),
      sql::now;
  return from_rows(rows);
}

std::optional<EndpointItem> select_one(Session& session, const Owner& owner, std::int64_t id) {
  std::vector<Row> rows;
  session << fmt::format("{}{} AND id = $2", kSelect, owned(owner)), sql::bind(owner_text(owner)),
      sql::bind(Poco::Int64{id}), sql::into(rows), sql::now;
  if (rows.empty()) return std::nullopt;
  return from_row(rows.front());
}

}  // namespace

Result<EndpointItem> EndpointItemTable::add(EndpointItem item, TimePoint now, const Check& check) {
  return database_.sessions().write([&](Session& session) -> Result<EndpointItem> {
    std::vector<EndpointItem> existing = select_all(session, item.dfsp_id);
    for (const EndpointItem& other : existing)
      if (other.direction == item.direction && other.type == item.type && other.value_json == item.value_json)
        return other;
    if (existing.size() >= kMaxEndpointItems)
      return fail(Code::conflict, fmt::format("{} has {} endpoint items; wanted fewer than {}. Delete some first",
                                              item.dfsp_id.value_or("the hub"), existing.size(), kMaxEndpointItems));
    existing.push_back(item);
    TRY(check(existing));
    Poco::Int64 id = 0;
    const std::string counter = item.dfsp_id ? "dfsp_endpoint_item" : "hub_endpoint_item";
    session << "UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value", sql::bind(counter),
        sql::into(id), sql::now;
    item.id = id;
    item.state = "NEW";
    item.created_at = format_utc(now);
    session << "INSERT INTO endpoint_items (id, dfsp_id, state, direction, type, value, created_at) "
               "VALUES ($1, $2, $3, $4, $5, $6, $7)",
        sql::bind(id), sql::bind(to_nullable(item.dfsp_id)), sql::bind(item.state), sql::bind(item.direction),
        sql::bind(item.type), sql::bind(item.value_json), sql::bind(item.created_at), sql::now;
    return item;
  });
}

Result<std::vector<EndpointItem>> EndpointItemTable::list(const Owner& owner) {
  return database_.sessions().read(
      [&](Session& session) -> Result<std::vector<EndpointItem>> { return select_all(session, owner); });
}

Result<std::vector<EndpointItem>> EndpointItemTable::unprocessed() {
  return database_.sessions().read([](Session& session) -> Result<std::vector<EndpointItem>> {
    std::vector<Row> rows;
    // Everybody's first one, then everybody's second one: who has many hides nobody else's.
    session << fmt::format(
        "{}dfsp_id IS NOT NULL AND id IN (SELECT id FROM (SELECT id, ROW_NUMBER() OVER (PARTITION BY dfsp_id ORDER BY "
        "id) AS turn FROM endpoint_items WHERE dfsp_id IS NOT NULL AND state = 'NEW') AS waiting ORDER BY turn, id "
        "LIMIT $1) ORDER BY id",
        kSelect),
        sql::bind(kMaxUnprocessedItems), sql::into(rows), sql::now;
    return from_rows(rows);
  });
}

Result<std::optional<EndpointItem>> EndpointItemTable::find(const Owner& owner, std::int64_t id) {
  return database_.sessions().read(
      [&](Session& session) -> Result<std::optional<EndpointItem>> { return select_one(session, owner, id); });
}

Result<std::optional<EndpointItem>> EndpointItemTable::change(const Owner& owner, std::int64_t id, const Edit& edit,
                                                              const Check& check) {
  return database_.sessions().write([&](Session& session) -> Result<std::optional<EndpointItem>> {
    std::vector<EndpointItem> items = select_all(session, owner);
    const auto item = std::find_if(items.begin(), items.end(), [&](const EndpointItem& one) { return one.id == id; });
    if (item == items.end()) return std::nullopt;
    TRY(edit(*item));
    TRY(check(items));
    session << fmt::format(
        "UPDATE endpoint_items SET state = $1, value = $2, value_changed_at = $3 WHERE {} AND id = $5",
        owned(owner, "$4")),
        sql::bind(item->state), sql::bind(item->value_json), sql::bind(to_nullable(item->value_changed_at)),
        sql::bind(owner_text(owner)), sql::bind(Poco::Int64{id}), sql::now;
    return *item;
  });
}

Result<bool> EndpointItemTable::remove(const Owner& owner, std::int64_t id, const Edit& check) {
  return database_.sessions().write([&](Session& session) -> Result<bool> {
    std::optional<EndpointItem> item = select_one(session, owner, id);
    if (!item) return false;
    TRY(check(*item));
    session << fmt::format("DELETE FROM endpoint_items WHERE {} AND id = $2", owned(owner)),
        sql::bind(owner_text(owner)), sql::bind(Poco::Int64{id}), sql::now;
    return true;
  });
}

}  // namespace hubseal::agent::store
