#include "agent/store/hub_server_cert_table.h"

#include <Poco/Data/TypeHandler.h>
#include <Poco/Tuple.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/store/database.h"
#include "agent/store/nullable.h"
#include "agent/store/sessions.h"
#include "common/json.h"

namespace hubseal::agent::store {
namespace {

namespace sql = Poco::Data::Keywords;

using Text = Poco::Nullable<std::string>;
using Row = Poco::Tuple<Text, Text, Text, std::string, std::string, std::string, std::string>;
using WantedRow = Poco::Tuple<std::string, std::string, Text, Text>;

// Longer than the daemon may take for a key (daemon.timeout_seconds).
constexpr std::chrono::minutes kReservation{15};

std::optional<HubServerCert> select_one(Session& session) {
  std::vector<Row> rows;
  session << "SELECT key_label, asked, root_certificate, chain, server_certificate, validations, validation_state "
             "FROM hub_server_cert",
      sql::into(rows), sql::now;
  if (rows.empty()) return std::nullopt;
  const Row& row = rows.front();
  return HubServerCert{to_optional(row.get<0>()),
                       to_optional(row.get<1>()),
                       to_optional(row.get<2>()),
                       Json::parse(row.get<3>()).get<std::vector<std::string>>(),
                       row.get<4>(),
                       row.get<5>(),
                       row.get<6>()};
}

std::optional<WantedHubServerCert> select_wanted(Session& session) {
  std::vector<WantedRow> rows;
  session << "SELECT key_label, asked, csr, approval FROM hub_server_cert_wanted", sql::into(rows), sql::now;
  if (rows.empty()) return std::nullopt;
  const WantedRow& row = rows.front();
  return WantedHubServerCert{row.get<0>(), row.get<1>(), to_optional(row.get<2>()), to_optional(row.get<3>())};
}

Result<> refuse_client_key(Session& session, const HubServerCert& certificate) {
  std::vector<std::string> owners;
  session << "SELECT dfsp_id FROM outbound_enrollments WHERE key_label = $1",
      sql::bind(to_nullable(certificate.key_label)), sql::into(owners), sql::now;
  if (owners.empty()) return {};
  return fail(Code::conflict,
              fmt::format("the key \"{}\" is one of the hub's client, towards DFSP {}; wanted another for "
                          "the server",
                          *certificate.key_label, owners.front()));
}

/// The key in use stays known as a server's, whatever comes after it.
void note_key(Session& session) {
  session
      << "INSERT INTO hub_server_keys (key_label) SELECT key_label FROM hub_server_cert WHERE key_label IS NOT NULL "
         "ON CONFLICT (key_label) DO NOTHING",
      sql::now;
}

void upsert(Session& session, const HubServerCert& c, TimePoint now) {
  note_key(session);  // an older agent on the same database has not
  session << "INSERT INTO hub_server_cert (one, key_label, asked, root_certificate, chain, server_certificate, "
             "validations, validation_state, stored_at) VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8) "
             "ON CONFLICT (one) DO UPDATE SET key_label = excluded.key_label, asked = excluded.asked, "
             "root_certificate = excluded.root_certificate, chain = excluded.chain, "
             "server_certificate = excluded.server_certificate, validations = excluded.validations, "
             "validation_state = excluded.validation_state, stored_at = excluded.stored_at",
      sql::bind(to_nullable(c.key_label)), sql::bind(to_nullable(c.asked)), sql::bind(to_nullable(c.root_certificate)),
      sql::bind(dump_json(Json(c.chain))), sql::bind(c.server_certificate), sql::bind(c.validations_json),
      sql::bind(c.validation_state), sql::bind(format_utc(now)), sql::now;
  note_key(session);
}

}  // namespace

Result<std::optional<HubServerCert>> HubServerCertTable::find() {
  return database_.sessions().read(
      [](Session& session) -> Result<std::optional<HubServerCert>> { return select_one(session); });
}

Result<std::optional<WantedHubServerCert>> HubServerCertTable::wanted() {
  return database_.sessions().read(
      [](Session& session) -> Result<std::optional<WantedHubServerCert>> { return select_wanted(session); });
}

Result<std::optional<ReservedHubServerCert>> HubServerCertTable::reserve(const WantedHubServerCert& place,
                                                                         const std::optional<HubServerCert>& seen,
                                                                         bool anew, TimePoint now) {
  return database_.sessions().write([&](Session& session) -> Result<std::optional<ReservedHubServerCert>> {
    if (select_one(session) != seen) return std::nullopt;
    session << "DELETE FROM hub_server_cert_wanted WHERE csr IS NULL AND created_at < $1",
        sql::bind(format_utc(now - kReservation)), sql::now;
    auto taken = select_wanted(session);
    if (taken && !taken->csr)
      return fail(Code::conflict, "the key of the hub's server certificate is being made; ask again in a moment");
    if (taken && taken->asked == place.asked && !anew) return ReservedHubServerCert{*std::move(taken)};
    session << "DELETE FROM hub_server_cert_wanted", sql::now;
    session << "INSERT INTO hub_server_cert_wanted (one, key_label, asked, created_at) VALUES (1, $1, $2, $3)",
        sql::bind(place.key_label), sql::bind(place.asked), sql::bind(format_utc(now)), sql::now;
    return ReservedHubServerCert{place, std::move(taken)};
  });
}

Result<> HubServerCertTable::store_csr(const WantedHubServerCert& place) {
  return database_.sessions().write([&](Session& session) -> Result<> {
    std::vector<std::string> filled;
    session << "UPDATE hub_server_cert_wanted SET csr = $1 WHERE key_label = $2 AND csr IS NULL RETURNING key_label",
        sql::bind(to_nullable(place.csr)), sql::bind(place.key_label), sql::into(filled), sql::now;
    if (filled.empty())
      return fail(Code::conflict, "the hub's server certificate is not wanted any more: it was taken out of use");
    return {};
  });
}

Result<> HubServerCertTable::release(const WantedHubServerCert& place) {
  return database_.sessions().write([&](Session& session) -> Result<> {
    session << "DELETE FROM hub_server_cert_wanted WHERE key_label = $1", sql::bind(place.key_label), sql::now;
    return {};
  });
}

Result<> HubServerCertTable::note_approval(const WantedHubServerCert& place) {
  return database_.sessions().write([&](Session& session) -> Result<> {
    session << "UPDATE hub_server_cert_wanted SET approval = $1 WHERE key_label = $2",
        sql::bind(to_nullable(place.approval_json)), sql::bind(place.key_label), sql::now;
    return {};
  });
}

Result<CompletedHubServerCert> HubServerCertTable::complete(const HubServerCert& certificate, TimePoint now) {
  return database_.sessions().write([&](Session& session) -> Result<CompletedHubServerCert> {
    std::vector<std::string> wanted;
    session << "DELETE FROM hub_server_cert_wanted WHERE key_label = $1 RETURNING key_label",
        sql::bind(to_nullable(certificate.key_label)), sql::into(wanted), sql::now;
    auto before = select_one(session);
    if (!wanted.empty()) {
      upsert(session, certificate, now);
      return CompletedHubServerCert{certificate, std::move(before)};
    }
    if (before) return CompletedHubServerCert{*std::move(before)};  // somebody else has finished it meanwhile
    return fail(Code::conflict, "the hub's server certificate was taken out of use while it was made");
  });
}

Result<EndedHubServerCerts> HubServerCertTable::put(const HubServerCert& certificate, TimePoint now) {
  return database_.sessions().write([&](Session& session) -> Result<EndedHubServerCerts> {
    TRY(refuse_client_key(session, certificate));
    EndedHubServerCerts before{select_one(session), select_wanted(session)};
    session << "DELETE FROM hub_server_cert_wanted", sql::now;
    upsert(session, certificate, now);
    return before;
  });
}

Result<EndedHubServerCerts> HubServerCertTable::remove() {
  return database_.sessions().write([](Session& session) -> Result<EndedHubServerCerts> {
    EndedHubServerCerts ended{select_one(session), select_wanted(session)};
    if (!ended.in_use && !ended.wanted) return fail(Code::not_found, "the hub has no server certificate");
    note_key(session);
    session << "DELETE FROM hub_server_cert", sql::now;
    session << "DELETE FROM hub_server_cert_wanted", sql::now;
    return ended;
  });
}

}  // namespace hubseal::agent::store
