#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/service/caller.h"
#include "agent/service/page.h"
#include "agent/service/signing_daemon.h"
#include "agent/service/validation.h"
#include "agent/store/outbound_enrollment_table.h"
#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent {

class Csr;
class DfspCas;

/// The hub's client certificates towards the DFSPs: the daemon makes a key and a CSR, the DFSP's CA makes a certificate
/// of it. Callers have made sure that the DFSP exists.
class OutboundEnrollments {
 public:
  using Enrollment = store::OutboundEnrollment;

  struct Policy {
    std::optional<NewKey> key;  ///< what the hub's keys and CSRs shall be; none: no keys are made
    ValidationRules rules;
  };

  /// What somebody wants the hub's CSR to say; what is not there is not asked for.
  struct Wish {
    std::vector<std::pair<std::string, std::string>> subject;  ///< "CN", "O", ... and the value
    std::vector<std::string> names;                            ///< host names and addresses
  };

  OutboundEnrollments(store::OutboundEnrollmentTable& table, DfspCas& dfsp_cas, SigningDaemon& daemon,
                      const Clock& clock, Policy policy)
      : table_(table), dfsp_cas_(dfsp_cas), daemon_(daemon), clock_(clock), policy_(std::move(policy)) {}

  bool makes_keys() const { return policy_.key.has_value(); }
  /// Errors: bad_request: the hub's CSRs say otherwise, and what.
  Result<> confirm(const Wish& wish) const;
  /// Errors: conflict: no keys are made here, or too many wait already; the daemon's.
  Result<Enrollment> create(const Caller& caller, std::string_view dfsp_id);
  /// An enrollment for a key that people had hubseald make (hubseal csr create); a repetition changes nothing.
  /// Errors: bad_request, too_large: not a CSR; policy_denied: its signature or key is bad, or its key is none of
  /// hubseald's; conflict: too many wait already, the key has an enrollment, or it is one of the hub's server.
  Result<Enrollment> bring_csr(const Caller& caller, std::string_view dfsp_id, const std::string& csr);
  /// At most store::kMaxListedOutbound: all that wait, and the newest of the others.
  Result<std::vector<Enrollment>> list(std::string_view dfsp_id, std::optional<std::string_view> state,
                                       const Page& page = {});
  /// Errors: not_found.
  Result<Enrollment> get(std::string_view dfsp_id, std::int64_t id);
  /// Judges what the DFSP made of the CSR, and stores it, good or bad; a repetition changes nothing.
  /// Errors: not_found; bad_request, too_large: not a certificate.
  Result<Enrollment> put_certificate(const Caller& caller, std::string_view dfsp_id, std::int64_t id,
                                     const std::string& pem);
  /// Judges again, by the time and by the DFSP's CA of now. Errors: not_found.
  Result<Enrollment> validate(std::string_view dfsp_id, std::int64_t id);
  /// The newest enrollment whose usable certificate is good at this moment, if there is one: the one for the hub's
  /// client to use. Good means signed by the CA that the DFSP told of, too, where it told of none nothing is good; and
  /// for TLS clients.
  Result<std::optional<Enrollment>> in_use(std::string_view dfsp_id);

 private:
  struct Judgement;

  Result<std::string> label_of(const Csr& csr);
  Result<Judgement> judge(const Enrollment& enrollment, const std::optional<std::string>& certificate);

  store::OutboundEnrollmentTable& table_;
  DfspCas& dfsp_cas_;
  SigningDaemon& daemon_;
  const Clock& clock_;
  const Policy policy_;
};

}  // namespace hubseal::agent
