#include "agent/store/jws_key_table.h"

#include <algorithm>

#include <Poco/Data/TypeHandler.h>
#include <Poco/Tuple.h>
#include <fmt/format.h>

#include "agent/store/database.h"
#include "agent/store/dfsp_table.h"
#include "agent/store/nullable.h"
#include "agent/store/sessions.h"

namespace hubseal::agent::store {
namespace {

namespace sql = Poco::Data::Keywords;

using Text = Poco::Nullable<std::string>;
using Row = Poco::Tuple<std::string, std::string, Text, std::string, std::string>;

// In the order of Row.
constexpr std::string_view kSelect =
    "SELECT dfsp_id, public_key, created_at, validations, validation_state FROM jws_keys ";

JwsKey from_row(const Row& row) {
  return {row.get<0>(), row.get<1>(), to_optional(row.get<2>()), row.get<3>(), row.get<4>()};
}

std::vector<Row> select(Session& session, std::string_view rest, const std::string& folded) {
  std::vector<Row> rows;
  session << std::string(kSelect).append(rest), sql::bind(folded), sql::into(rows), sql::now;
  return rows;
}

void upsert(Session& session, const JwsKey& key, bool native, const std::optional<std::string>& source, TimePoint now) {
  session << "INSERT INTO jws_keys (folded_id, dfsp_id, native, source_dfsp_id, public_key, created_at, validations, "
             "validation_state, stored_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
             "ON CONFLICT (folded_id) DO UPDATE SET dfsp_id = excluded.dfsp_id, native = excluded.native, "
             "source_dfsp_id = excluded.source_dfsp_id, public_key = excluded.public_key, "
             "created_at = excluded.created_at, validations = excluded.validations, "
             "validation_state = excluded.validation_state, stored_at = excluded.stored_at",
      sql::bind(folded(key.dfsp_id)), sql::bind(key.dfsp_id), sql::bind(Poco::Int64{native}),
      sql::bind(to_nullable(source)), sql::bind(key.public_key), sql::bind(to_nullable(key.created_at_json)),
      sql::bind(key.validations_json), sql::bind(key.validation_state), sql::bind(format_utc(now)), sql::now;
}

bool may_bring(Session& session, const JwsKey& key, const std::optional<std::string>& source) {
  const std::string name = folded(key.dfsp_id);
  int taken = 0;
  session << "SELECT COUNT(*) FROM dfsps WHERE folded_id = $1", sql::bind(name), sql::into(taken), sql::now;
  if (taken != 0) return false;
  if (!source) return true;
  session << "SELECT COUNT(*) FROM jws_keys WHERE folded_id = $1 AND COALESCE(source_dfsp_id, '') <> $2",
      sql::bind(name), sql::bind(*source), sql::into(taken), sql::now;
  return taken == 0;
}

Result<> check_room(Session& session, const std::optional<std::string>& source) {
  int count = 0;
  session << "SELECT COUNT(*) FROM jws_keys WHERE native = 0 AND COALESCE(source_dfsp_id, '') = $1",
      sql::bind(source.value_or("")), sql::into(count), sql::now;
  if (count <= kMaxExternalKeys) return {};
  return fail(Code::conflict, fmt::format("{} would have brought keys of {} participants of other schemes; wanted at "
                                          "most {}",
                                          source.value_or("the hub"), count, kMaxExternalKeys));
}

}  // namespace

Result<std::optional<JwsKey>> JwsKeyTable::find(std::string_view dfsp_id) {
  return database_.sessions().read([&](Session& session) -> Result<std::optional<JwsKey>> {
    const auto rows = select(session, "WHERE folded_id = $1 AND native = 1", folded(dfsp_id));
    if (rows.empty()) return std::nullopt;
    return from_row(rows.front());
  });
}

Result<std::vector<JwsKey>> JwsKeyTable::list() {
  return database_.sessions().read([](Session& session) -> Result<std::vector<JwsKey>> {
    std::vector<Row> rows;
    // A name that became a participant's after its key was brought from outside is the participant's.
    session << std::string(kSelect).append(
        "WHERE validation_state = 'VALID' AND (native = 1 OR folded_id NOT IN (SELECT folded_id FROM dfsps)) "
        "ORDER BY native DESC, dfsp_id"),
        sql::into(rows), sql::now;
    std::vector<JwsKey> keys(rows.size());
    std::transform(rows.begin(), rows.end(), keys.begin(), from_row);
    return keys;
  });
}

Result<> JwsKeyTable::put(const JwsKey& key, TimePoint now) {
  return database_.sessions().write([&](Session& session) -> Result<> {
    upsert(session, key, true, std::nullopt, now);
    return {};
  });
}

Result<> JwsKeyTable::remove(std::string_view dfsp_id) {
  return database_.sessions().write([&](Session& session) -> Result<> {
    session << "DELETE FROM jws_keys WHERE folded_id = $1 AND native = 1", sql::bind(folded(dfsp_id)), sql::now;
    return {};
  });
}

Result<std::vector<JwsKey>> JwsKeyTable::put_external(const std::vector<JwsKey>& keys,
                                                      const std::optional<std::string>& source, TimePoint now) {
  return database_.sessions().write([&](Session& session) -> Result<std::vector<JwsKey>> {
    std::vector<JwsKey> stored;
    for (const JwsKey& key : keys) {
      if (!may_bring(session, key, source)) continue;
      const auto rows = select(session, "WHERE folded_id = $1", folded(key.dfsp_id));
      if (rows.empty() || from_row(rows.front()) != key) upsert(session, key, false, source, now);
      stored.push_back(key);
    }
    TRY(check_room(session, source));
    return stored;
  });
}

}  // namespace hubseal::agent::store
