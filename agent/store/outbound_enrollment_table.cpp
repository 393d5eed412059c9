#include "agent/store/outbound_enrollment_table.h"

#include <algorithm>

#include <Poco/Data/TypeHandler.h>
#include <Poco/Tuple.h>
#include <fmt/format.h>

#include "agent/store/database.h"
#include "agent/store/enrollment_list.h"
#include "agent/store/nullable.h"
#include "agent/store/sessions.h"

namespace hubseal::agent::store {
namespace {

namespace sql = Poco::Data::Keywords;

using Text = Poco::Nullable<std::string>;
using Row = Poco::Tuple<Poco::Int64, std::string, std::string, std::string, std::string, std::string, Text, Text, Text,
                        Text, Text>;

// In the order of Row. What has no CSR yet is a reserved place and no enrollment.
constexpr std::string_view kSelect =
    "SELECT id, dfsp_id, state, key_label, csr, csr_info, certificate, cert_info, validations, validation_state, "
    "usable_certificate FROM outbound_enrollments WHERE csr IS NOT NULL AND ";

// Longer than the daemon may take for a key (daemon.timeout_seconds).
constexpr std::chrono::minutes kReservation{15};

// A good certificate is the usable one, if its key is in the HSM; a bad one is not any more. $1 says which it is, $2
// which certificate.
constexpr std::string_view kSetUsable =
    "usable_certificate = CASE WHEN $1 = 1 AND key_in_hsm = 1 THEN $2 WHEN usable_certificate = $2 THEN NULL ELSE "
    "usable_certificate END";

std::string select(std::string_view rest) { return std::string(kSelect).append(rest); }

OutboundEnrollment from_row(const Row& row) {
  OutboundEnrollment enrollment;
  enrollment.id = row.get<0>();
  enrollment.dfsp_id = row.get<1>();
  enrollment.state = row.get<2>();
  enrollment.key_label = row.get<3>();
  enrollment.csr = row.get<4>();
  enrollment.csr_info_json = row.get<5>();
  enrollment.certificate = to_optional(row.get<6>());
  enrollment.cert_info_json = to_optional(row.get<7>());
  enrollment.validations_json = to_optional(row.get<8>());
  enrollment.validation_state = to_optional(row.get<9>());
  enrollment.usable_certificate = to_optional(row.get<10>());
  return enrollment;
}

std::vector<OutboundEnrollment> from_rows(const std::vector<Row>& rows) {
  std::vector<OutboundEnrollment> enrollments(rows.size());
  std::transform(rows.begin(), rows.end(), enrollments.begin(), from_row);
  return enrollments;
}

Result<> check_room(Session& session, const std::string& dfsp_id) {
  int open = 0;
  session << "SELECT COUNT(*) FROM outbound_enrollments WHERE dfsp_id = $1 AND state = 'CSR_LOADED' AND "
             "key_in_hsm = 1",
      sql::bind(dfsp_id), sql::into(open), sql::now;
  if (open < kMaxOpenOutbound) return {};
  return fail(Code::conflict,
              fmt::format("{} enrollments wait for DFSP {} to sign their CSRs; wanted fewer than {} before another key "
                          "is made",
                          open, dfsp_id, kMaxOpenOutbound));
}

// An older agent on the same database wrote down what is in use and knows no hub_server_keys.
Result<> refuse_server_key(Session& session, const std::string& label) {
  std::vector<std::string> found;
  session << "SELECT key_label FROM hub_server_keys WHERE key_label = $1 UNION "
             "SELECT key_label FROM hub_server_cert WHERE key_label = $1 UNION "
             "SELECT key_label FROM hub_server_cert_wanted WHERE key_label = $1",
      sql::bind(label), sql::into(found), sql::now;
  if (found.empty()) return {};
  return fail(Code::conflict,
              fmt::format("the key \"{}\" is the hub's server's; wanted another for the client", label));
}

std::int64_t next_number(Session& session) {
  Poco::Int64 id = 0;
  session << "UPDATE counters SET value = value + 1 WHERE name = 'enrollment' RETURNING value", sql::into(id), sql::now;
  return id;
}

}  // namespace

Result<OutboundEnrollment> OutboundEnrollmentTable::reserve(std::string_view dfsp_id, const KeyLabel& key_label,
                                                            TimePoint now) {
  return database_.sessions().write([&](Session& session) -> Result<OutboundEnrollment> {
    session << "DELETE FROM outbound_enrollments WHERE csr IS NULL AND created_at < $1",
        sql::bind(format_utc(now - kReservation)), sql::now;
    OutboundEnrollment enrollment;
    enrollment.dfsp_id = dfsp_id;
    enrollment.state = "CSR_LOADED";
    TRY(check_room(session, enrollment.dfsp_id));
    Poco::Int64 id = next_number(session);
    enrollment.id = id;
    enrollment.key_label = key_label(id);
    session << "INSERT INTO outbound_enrollments (id, dfsp_id, state, key_label, created_at) "
               "VALUES ($1, $2, $3, $4, $5)",
        sql::bind(id), sql::bind(enrollment.dfsp_id), sql::bind(enrollment.state), sql::bind(enrollment.key_label),
        sql::bind(format_utc(now)), sql::now;
    return enrollment;
  });
}

Result<> OutboundEnrollmentTable::store_csr(const OutboundEnrollment& enrollment) {
  return database_.sessions().write([&](Session& session) -> Result<> {
    std::vector<Poco::Int64> filled;
    session << "UPDATE outbound_enrollments SET csr = $1, csr_info = $2 WHERE id = $3 AND csr IS NULL RETURNING id",
        sql::bind(enrollment.csr), sql::bind(enrollment.csr_info_json), sql::bind(Poco::Int64{enrollment.id}),
        sql::into(filled), sql::now;
    if (filled.empty()) return fail(Code::internal, fmt::format("the place of enrollment {} is gone", enrollment.id));
    return {};
  });
}

Result<> OutboundEnrollmentTable::release(std::int64_t id) {
  return database_.sessions().write([&](Session& session) -> Result<> {
    session << "DELETE FROM outbound_enrollments WHERE id = $1 AND csr IS NULL", sql::bind(Poco::Int64{id}), sql::now;
    return {};
  });
}

Result<OutboundEnrollment> OutboundEnrollmentTable::add(OutboundEnrollment e, TimePoint now) {
  return database_.sessions().write([&](Session& session) -> Result<OutboundEnrollment> {
    std::vector<Row> rows;
    session << select("key_label = $1"), sql::bind(e.key_label), sql::into(rows), sql::now;
    if (!rows.empty()) return from_row(rows.front());
    TRY(refuse_server_key(session, e.key_label));
    TRY(check_room(session, e.dfsp_id));
    Poco::Int64 id = next_number(session);
    e.id = id;
    e.state = "CSR_LOADED";
    session << "INSERT INTO outbound_enrollments (id, dfsp_id, state, key_label, csr, csr_info, created_at) "
               "VALUES ($1, $2, $3, $4, $5, $6, $7)",
        sql::bind(id), sql::bind(e.dfsp_id), sql::bind(e.state), sql::bind(e.key_label), sql::bind(e.csr),
        sql::bind(e.csr_info_json), sql::bind(format_utc(now)), sql::now;
    return std::move(e);
  });
}

Result<std::optional<OutboundEnrollment>> OutboundEnrollmentTable::find(std::string_view dfsp_id, std::int64_t id) {
  return database_.sessions().read([&](Session& session) -> Result<std::optional<OutboundEnrollment>> {
    std::vector<Row> rows;
    session << select("id = $1 AND dfsp_id = $2"), sql::bind(Poco::Int64{id}), sql::bind(std::string(dfsp_id)),
        sql::into(rows), sql::now;
    if (rows.empty()) return std::nullopt;
    return from_row(rows.front());
  });
}

Result<std::vector<OutboundEnrollment>> OutboundEnrollmentTable::list(std::string_view dfsp_id,
                                                                      std::optional<std::string_view> state,
                                                                      const Page& page) {
  return database_.sessions().read([&](Session& session) -> Result<std::vector<OutboundEnrollment>> {
    std::vector<Row> rows;
    select_by_state(session, select("dfsp_id = $1"), dfsp_id, state, kMaxListedOutbound, page), sql::into(rows),
        sql::now;
    auto enrollments = from_rows(rows);
    sort_by_number_as_text(enrollments);
    return enrollments;
  });
}

Result<std::vector<OutboundEnrollment>> OutboundEnrollmentTable::usable(std::string_view dfsp_id) {
  return database_.sessions().read([&](Session& session) -> Result<std::vector<OutboundEnrollment>> {
    std::vector<Row> rows;
    session << select("dfsp_id = $1 AND usable_certificate IS NOT NULL ORDER BY id DESC LIMIT $2"),
        sql::bind(std::string(dfsp_id)), sql::bind(kMaxListedOutbound), sql::into(rows), sql::now;
    return from_rows(rows);
  });
}

Result<> OutboundEnrollmentTable::store_certificate(const OutboundEnrollment& e, bool good, TimePoint now) {
  return database_.sessions().write([&](Session& session) -> Result<> {
    session << fmt::format(
        "UPDATE outbound_enrollments SET {}, state = 'CERT_SIGNED', certificate = $2, cert_info = $3, "
        "validations = $4, validation_state = $5, stored_at = $6 WHERE id = $7",
        kSetUsable),
        sql::bind(Poco::Int64{good}), sql::bind(to_nullable(e.certificate)), sql::bind(to_nullable(e.cert_info_json)),
        sql::bind(to_nullable(e.validations_json)), sql::bind(to_nullable(e.validation_state)),
        sql::bind(format_utc(now)), sql::bind(Poco::Int64{e.id}), sql::now;
    return {};
  });
}

Result<> OutboundEnrollmentTable::store_verdicts(const OutboundEnrollment& e, bool good) {
  return database_.sessions().write([&](Session& session) -> Result<> {
    session << fmt::format(
        "UPDATE outbound_enrollments SET {}, validations = $3, validation_state = $4 WHERE id = $5 "
        "AND COALESCE(certificate, '') = COALESCE($2, '')",
        kSetUsable),
        sql::bind(Poco::Int64{good}), sql::bind(to_nullable(e.certificate)), sql::bind(to_nullable(e.validations_json)),
        sql::bind(to_nullable(e.validation_state)), sql::bind(Poco::Int64{e.id}), sql::now;
    return {};
  });
}

}  // namespace hubseal::agent::store
