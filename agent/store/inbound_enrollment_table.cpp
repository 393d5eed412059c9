#include "agent/store/inbound_enrollment_table.h"

#include <algorithm>

#include <Poco/Data/TypeHandler.h>
#include <Poco/Tuple.h>
#include <fmt/format.h>

#include "agent/store/database.h"
#include "agent/store/enrollment_list.h"
#include "agent/store/nullable.h"
#include "agent/store/sessions.h"
#include "common/key_types.h"

namespace hubseal::agent::store {
namespace {

namespace sql = Poco::Data::Keywords;

using Row = Poco::Tuple<Poco::Int64, std::string, std::string, std::string, std::string, std::string, std::string,
                        Poco::Nullable<std::string>, Poco::Nullable<std::string>, Poco::Nullable<std::string>>;

// In the order of Row.
constexpr std::string_view kSelect =
    "SELECT id, dfsp_id, state, csr, csr_info, validations, validation_state, certificate, cert_info, approval "
    "FROM inbound_enrollments ";

std::string select(std::string_view rest) { return std::string(kSelect).append(rest); }

std::string csr_hash(std::string_view csr) { return to_hex(sha256(as_bytes(csr))); }

InboundEnrollment from_row(const Row& row) {
  InboundEnrollment enrollment;
  enrollment.id = row.get<0>();
  enrollment.dfsp_id = row.get<1>();
  enrollment.state = row.get<2>();
  enrollment.csr = row.get<3>();
  enrollment.csr_info_json = row.get<4>();
  enrollment.validations_json = row.get<5>();
  enrollment.validation_state = row.get<6>();
  enrollment.certificate = to_optional(row.get<7>());
  enrollment.cert_info_json = to_optional(row.get<8>());
  enrollment.approval_json = to_optional(row.get<9>());
  return enrollment;
}

std::optional<InboundEnrollment> first_of(const std::vector<Row>& rows) {
  if (rows.empty()) return std::nullopt;
  return from_row(rows.front());
}

std::optional<InboundEnrollment> select_open(Session& session, std::string_view dfsp_id,
                                             const std::string& csr_sha256) {
  std::vector<Row> rows;
  session << select("WHERE dfsp_id = $1 AND csr_sha256 = $2 AND state = 'CSR_LOADED'"), sql::bind(std::string(dfsp_id)),
      sql::bind(csr_sha256), sql::into(rows), sql::now;
  return first_of(rows);
}

std::optional<InboundEnrollment> select_one(Session& session, std::string_view dfsp_id, std::int64_t id) {
  std::vector<Row> rows;
  session << select("WHERE id = $1 AND dfsp_id = $2"), sql::bind(Poco::Int64{id}), sql::bind(std::string(dfsp_id)),
      sql::into(rows), sql::now;
  return first_of(rows);
}

/// An INVALID CSR waits for ever and costs its sender nothing: without a cap one DFSP could fill the disk.
Result<> check_room(Session& session, const std::string& dfsp_id) {
  int open = 0;
  session << "SELECT COUNT(*) FROM inbound_enrollments WHERE dfsp_id = $1 AND state = 'CSR_LOADED'", sql::bind(dfsp_id),
      sql::into(open), sql::now;
  if (open < kMaxOpenEnrollments) return {};
  return fail(
      Code::conflict,
      fmt::format("DFSP {} has {} enrollments that wait for a certificate; wanted fewer than {}. Have some of "
                  "them signed, or the hub's operator remove those that never will be, then send this CSR again",
                  dfsp_id, open, kMaxOpenEnrollments));
}

}  // namespace

Result<std::optional<InboundEnrollment>> InboundEnrollmentTable::find_open(std::string_view dfsp_id,
                                                                           std::string_view canonical_csr) {
  return database_.sessions().read([&](Session& session) -> Result<std::optional<InboundEnrollment>> {
    return select_open(session, dfsp_id, csr_hash(canonical_csr));
  });
}

Result<InboundEnrollment> InboundEnrollmentTable::add(InboundEnrollment enrollment, std::string_view canonical_csr,
                                                      TimePoint now) {
  const std::string csr_sha256 = csr_hash(canonical_csr);
  return database_.sessions().write([&](Session& session) -> Result<InboundEnrollment> {
    // Looked up again under the write lock: two equal requests may both have found nothing before.
    if (auto existing = select_open(session, enrollment.dfsp_id, csr_sha256)) return *std::move(existing);
    TRY(check_room(session, enrollment.dfsp_id));
    Poco::Int64 id = 0;
    session << "UPDATE counters SET value = value + 1 WHERE name = 'enrollment' RETURNING value", sql::into(id),
        sql::now;
    enrollment.id = id;
    enrollment.state = kCsrLoaded;
    session << "INSERT INTO inbound_enrollments (id, dfsp_id, state, csr, csr_sha256, csr_info, validations, "
               "validation_state, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        sql::bind(id), sql::bind(enrollment.dfsp_id), sql::bind(enrollment.state), sql::bind(enrollment.csr),
        sql::bind(csr_sha256), sql::bind(enrollment.csr_info_json), sql::bind(enrollment.validations_json),
        sql::bind(enrollment.validation_state), sql::bind(format_utc(now)), sql::now;
    return std::move(enrollment);
  });
}

Result<std::optional<InboundEnrollment>> InboundEnrollmentTable::find(std::string_view dfsp_id, std::int64_t id) {
  return database_.sessions().read(
      [&](Session& session) -> Result<std::optional<InboundEnrollment>> { return select_one(session, dfsp_id, id); });
}

Result<std::vector<InboundEnrollment>> InboundEnrollmentTable::list(std::string_view dfsp_id,
                                                                    std::optional<std::string_view> state,
                                                                    const Page& page) {
  return database_.sessions().read([&](Session& session) -> Result<std::vector<InboundEnrollment>> {
    std::vector<Row> rows;
    select_by_state(session, select("WHERE dfsp_id = $1"), dfsp_id, state, kMaxListedEnrollments, page),
        sql::into(rows), sql::now;
    std::vector<InboundEnrollment> enrollments(rows.size());
    std::transform(rows.begin(), rows.end(), enrollments.begin(), from_row);
    sort_by_number_as_text(enrollments);
    return enrollments;
  });
}

Result<> InboundEnrollmentTable::note_signing_request(std::int64_t id, std::string_view request) {
  return database_.sessions().write([&](Session& session) -> Result<> {
    session << "UPDATE inbound_enrollments SET signing_request = $1 WHERE id = $2 AND signing_request IS NULL",
        sql::bind(std::string(request)), sql::bind(Poco::Int64{id}), sql::now;
    return {};
  });
}

Result<> InboundEnrollmentTable::note_approval(std::int64_t id, std::string_view approval_json) {
  return database_.sessions().write([&](Session& session) -> Result<> {
    session << "UPDATE inbound_enrollments SET approval = $1 WHERE id = $2 AND state = 'CSR_LOADED'",
        sql::bind(std::string(approval_json)), sql::bind(Poco::Int64{id}), sql::now;
    return {};
  });
}

Result<InboundEnrollment> InboundEnrollmentTable::store_certificate(const InboundEnrollment& signed_enrollment,
                                                                    TimePoint now) {
  return database_.sessions().write([&](Session& session) -> Result<InboundEnrollment> {
    const InboundEnrollment& e = signed_enrollment;
    session << "UPDATE inbound_enrollments SET state = 'CERT_SIGNED', certificate = $1, cert_info = $2, "
               "validations = $3, validation_state = $4, signed_at = $5 "
               "WHERE id = $6 AND (state = 'CSR_LOADED' OR validation_state = 'INVALID')",
        sql::bind(to_nullable(e.certificate)), sql::bind(to_nullable(e.cert_info_json)), sql::bind(e.validations_json),
        sql::bind(e.validation_state), sql::bind(format_utc(now)), sql::bind(Poco::Int64{e.id}), sql::now;
    auto stored = select_one(session, e.dfsp_id, e.id);
    if (!stored) return fail(Code::internal, fmt::format("enrollment {} vanished while it was signed", e.id));
    return *std::move(stored);
  });
}

}  // namespace hubseal::agent::store
