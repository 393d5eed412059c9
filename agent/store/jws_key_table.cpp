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
using Row = Poco::Tuple<std::string, std::string, Text, std::string, std::string, std::string, Text, Text, Text, Text>;

// In the order of Row.
constexpr std::string_view kSelect =
    "SELECT dfsp_id, public_key, created_at, validations, validation_state, possession, certificate, "
    "intermediate_chain, override_by, override_reason FROM jws_keys ";

JwsKey from_row(const Row& row) {
  return {row.get<0>(),
          row.get<1>(),
          to_optional(row.get<2>()),
          row.get<3>(),
          row.get<4>(),
          row.get<5>(),
          to_optional(row.get<6>()),
          to_optional(row.get<7>()),
          to_optional(row.get<8>()),
          to_optional(row.get<9>())};
}

std::vector<Row> select(Session& session, std::string_view rest, const std::string& folded) {
  std::vector<Row> rows;
  session << std::string(kSelect).append(rest), sql::bind(folded), sql::into(rows), sql::now;
  return rows;
}

void upsert(Session& session, const JwsKey& key, bool native, const std::optional<std::string>& source, TimePoint now) {
  session << "INSERT INTO jws_keys (folded_id, dfsp_id, native, source_dfsp_id, public_key, created_at, validations, "
             "validation_state, stored_at, possession, certificate, intermediate_chain, override_by, override_reason) "
             "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) "
             "ON CONFLICT (folded_id) DO UPDATE SET dfsp_id = excluded.dfsp_id, native = excluded.native, "
             "source_dfsp_id = excluded.source_dfsp_id, public_key = excluded.public_key, "
             "created_at = excluded.created_at, validations = excluded.validations, "
             "validation_state = excluded.validation_state, stored_at = excluded.stored_at, "
             "possession = excluded.possession, certificate = excluded.certificate, "
             "intermediate_chain = excluded.intermediate_chain, override_by = excluded.override_by, "
             "override_reason = excluded.override_reason",
      sql::bind(folded(key.dfsp_id)), sql::bind(key.dfsp_id), sql::bind(Poco::Int64{native}),
      sql::bind(to_nullable(source)), sql::bind(key.public_key), sql::bind(to_nullable(key.created_at_json)),
      sql::bind(key.validations_json), sql::bind(key.validation_state), sql::bind(format_utc(now)),
      sql::bind(key.possession), sql::bind(to_nullable(key.certificate)),
      sql::bind(to_nullable(key.intermediate_chain)), sql::bind(to_nullable(key.override_by)),
      sql::bind(to_nullable(key.override_reason)), sql::now;
}

std::optional<JwsKey> native_key(Session& session, std::string_view dfsp_id) {
  const auto rows = select(session, "WHERE folded_id = $1 AND native = 1", folded(dfsp_id));
  return rows.empty() ? std::nullopt : std::optional(from_row(rows.front()));
}

/// Times are compared as texts, which sort as they follow each other.
Result<> use_up(Session& session, const std::string& dfsp_id, const std::string& nonce, TimePoint now) {
  std::vector<std::string> ends;
  session << "SELECT expires_at FROM jws_challenges WHERE nonce = $1 AND dfsp_id = $2", sql::bind(nonce),
      sql::bind(dfsp_id), sql::into(ends), sql::now;
  if (ends.empty())
    return fail(Code::policy_denied,
                fmt::format("nonce: no challenge of DFSP {} has it, or it was used already; wanted a new one (GET "
                            "/api/dfsps/{}/jwscerts/challenge)",
                            dfsp_id, dfsp_id));
  if (ends.front() <= format_utc(now))
    return fail(Code::policy_denied, fmt::format("nonce: the challenge has expired at {}; wanted a new one (GET "
                                                 "/api/dfsps/{}/jwscerts/challenge)",
                                                 ends.front(), dfsp_id));
  session << "DELETE FROM jws_challenges WHERE nonce = $1", sql::bind(nonce), sql::now;
  return {};
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
  return database_.sessions().read(
      [&](Session& session) -> Result<std::optional<JwsKey>> { return native_key(session, dfsp_id); });
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

Result<> JwsKeyTable::replace(const std::optional<JwsKey>& before, const JwsKey& key,
                              const std::optional<std::string>& nonce, TimePoint now) {
  return database_.sessions().write([&](Session& session) -> Result<> {
    if (native_key(session, key.dfsp_id) != before)
      return fail(
          Code::conflict,
          fmt::format("another key of DFSP {} was stored at the same moment; look at it, and try again", key.dfsp_id));
    if (nonce) TRY(use_up(session, key.dfsp_id, *nonce, now));
    upsert(session, key, true, std::nullopt, now);
    return {};
  });
}

Result<> JwsKeyTable::add_challenge(const std::string& dfsp_id, const std::string& nonce, TimePoint now,
                                    TimePoint expires_at) {
  return database_.sessions().write([&](Session& session) -> Result<> {
    // Those of an hour ago are told as expired no longer.
    session << "DELETE FROM jws_challenges WHERE expires_at <= $1", sql::bind(format_utc(now - std::chrono::hours(1))),
        sql::now;
    session << "DELETE FROM jws_challenges WHERE nonce IN (SELECT nonce FROM jws_challenges WHERE dfsp_id = $1 "
               "ORDER BY expires_at DESC, nonce LIMIT 1000 OFFSET $2)",
        sql::bind(dfsp_id), sql::bind(kMaxChallenges - 1), sql::now;
    session << "INSERT INTO jws_challenges (nonce, dfsp_id, expires_at) VALUES ($1, $2, $3)", sql::bind(nonce),
        sql::bind(dfsp_id), sql::bind(format_utc(expires_at)), sql::now;
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
