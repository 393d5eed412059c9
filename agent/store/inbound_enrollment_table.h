#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/store/page.h"
#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent::store {

class Database;

/// A DFSP's CSR and what became of it. The JSON texts are stored as they were computed.
struct InboundEnrollment {
  std::int64_t id = 0;
  std::string dfsp_id;
  std::string state;  ///< "CSR_LOADED" or "CERT_SIGNED"
  std::string csr;    ///< as it is given back
  std::string csr_info_json;
  std::string validations_json;
  std::string validation_state;  ///< "VALID" or "INVALID"
  std::optional<std::string> certificate;
  std::optional<std::string> cert_info_json;
  std::optional<std::string> approval_json;  ///< what it waited for when it was last to be signed
};

constexpr std::string_view kCsrLoaded = "CSR_LOADED";
constexpr std::string_view kCertSigned = "CERT_SIGNED";
/// Enrollments of one DFSP that wait for their certificate.
constexpr int kMaxOpenEnrollments = 100;
/// What list() returns of one DFSP.
constexpr int kMaxListedEnrollments = 200;

/// Threads: share it freely. Errors: storage_unavailable.
class InboundEnrollmentTable {
 public:
  explicit InboundEnrollmentTable(Database& database) : database_(database) {}

  /// The enrollment of this DFSP that waits for its certificate with this CSR, given in the one form
  /// by which CSRs are told apart (Csr::canonical_pem).
  Result<std::optional<InboundEnrollment>> find_open(std::string_view dfsp_id, std::string_view canonical_csr);
  /// Adds it under a new number and returns it, or returns the one that find_open would find. `id`
  /// and `state` are set here.
  /// Errors: conflict when as many wait as may.
  Result<InboundEnrollment> add(InboundEnrollment enrollment, std::string_view canonical_csr, TimePoint now);
  Result<std::optional<InboundEnrollment>> find(std::string_view dfsp_id, std::int64_t id);
  /// All that wait and, up to the cap, the newest of the others, ordered by id as text (10 before 9),
  /// which is the order that clients know.
  Result<std::vector<InboundEnrollment>> list(std::string_view dfsp_id, std::optional<std::string_view> state,
                                              const Page& page);

  /// Notes, durably, under which request id the daemon is about to be asked.
  Result<> note_signing_request(std::int64_t id, std::string_view request);
  /// Notes what it waits for.
  Result<> note_approval(std::int64_t id, std::string_view approval_json);
  /// Stores the certificate unless there is one that is VALID, and returns what is stored then.
  Result<InboundEnrollment> store_certificate(const InboundEnrollment& signed_enrollment, TimePoint now);

 private:
  Database& database_;
};

}  // namespace hubseal::agent::store
