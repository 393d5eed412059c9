#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/service/caller.h"
#include "agent/service/page.h"
#include "agent/service/validation.h"
#include "agent/store/inbound_enrollment_table.h"
#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent {

class Csr;
class Revocations;
class SigningDaemon;

/// DFSPs' client certificates: a CSR comes in, is judged and stored, and is signed by the hub CA. What is shown has the
/// verdict on a certificate that hubseald has revoked or put on hold since.
/// Callers have made sure that the DFSP exists.
class InboundEnrollments {
 public:
  using Enrollment = store::InboundEnrollment;

  struct Policy {
    std::string ca;       ///< the daemon's name for the hub CA
    std::string profile;  ///< the daemon's profile for DFSP client certificates
    ValidationRules rules;
  };

  InboundEnrollments(store::InboundEnrollmentTable& table, SigningDaemon& daemon, Revocations& revocations,
                     const Clock& clock, Policy policy)
      : table_(table), daemon_(daemon), revocations_(revocations), clock_(clock), policy_(std::move(policy)) {}

  /// Stores the CSR with its verdicts, good or bad. The same CSR again, whatever its white space, while
  /// the first still waits for its certificate, is the same enrollment.
  /// Errors: bad_request, too_large: not a CSR; conflict: too many of this DFSP wait already.
  Result<Enrollment> submit(const Caller& caller, std::string_view dfsp_id, const std::string& csr);
  /// At most store::kMaxListedEnrollments: all that wait, and the newest that are signed.
  Result<std::vector<Enrollment>> list(std::string_view dfsp_id, std::optional<std::string_view> state,
                                       const Page& page = {});
  /// Errors: not_found.
  Result<Enrollment> get(std::string_view dfsp_id, std::int64_t id);

  /// As get(); what waited for the consent of others, and has it now, comes back signed. What cannot be found out or
  /// signed at the moment is shown as it is stored.
  Result<Enrollment> follow_up(const Caller& caller, std::string_view dfsp_id, std::int64_t id);

  /// Has the daemon sign the CSR, once: a signed enrollment is returned as it is, and a repetition
  /// after a crash or at the same moment gets the same certificate from the daemon. Where others must agree first,
  /// the enrollment says for what it waits, and signing it again when they have goes on.
  /// Errors: not_found; policy_denied (a verdict is INVALID, the daemon's profile says no, or what it
  /// issued is revoked or on hold by now); the
  /// daemon's other errors.
  Result<Enrollment> sign(const Caller& caller, std::string_view dfsp_id, std::int64_t id);

  /// Stores what another CA than the hub's made of the CSR, with its verdicts, good or bad; a repetition changes
  /// nothing. Errors: not_found; bad_request, too_large: not a certificate; policy_denied: it is for another key;
  /// conflict: there is a certificate that is VALID.
  Result<Enrollment> put_certificate(const Caller& caller, std::string_view dfsp_id, std::int64_t id,
                                     const std::string& pem);

 private:
  void add_revocation(Enrollment& enrollment);
  Result<Enrollment> wait_for_approval(Enrollment enrollment, const std::string& approval);
  Result<Enrollment> complete(Enrollment enrollment, const Csr& csr, std::string_view certificate_pem);

  store::InboundEnrollmentTable& table_;
  SigningDaemon& daemon_;
  Revocations& revocations_;
  const Clock& clock_;
  const Policy policy_;
};

}  // namespace hubseal::agent
