#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/json.h"
#include "daemon/audit.h"
#include "daemon/authorities.h"
#include "daemon/ca/profile.h"
#include "daemon/clock_guard.h"
#include "daemon/registry.h"
#include "hsm/signer.h"

namespace hubseal::daemon {

/// What is asked for, and by whom: `peer` and `request` together name it for ever.
struct IssueRequest {
  std::string peer;  ///< name of the peer's rule
  std::string request;
  std::string ca;
  std::string profile;
  std::string subject;  ///< participant
  std::string csr;      ///< PEM
};

/// The way of every certificate: prepare, lint, record the intent, sign, verify, record, release.
/// Whatever happens in between, a repeated request goes on where the first one stopped, with the
/// same serial and the same bytes, and a certificate is on disk before anybody sees it.
/// Threads: share it freely.
/// Errors: those of prepare_certificate, Registry::reserve, Signer::sign; conflict for a request id
/// that was used for something else; policy_denied for one that was recorded under another policy.
class Issuance {
 public:
  Issuance(Registry& registry, AuditLog& audit, Authorities& authorities, const ca::Profiles& profiles,
           hsm::Signer& signer, const ClockGuard& clock)
      : registry_(registry),
        audit_(audit),
        authorities_(authorities),
        profiles_(profiles),
        signer_(signer),
        clock_(clock) {}

  /// What the audit log is told about a request.
  struct Trail {
    Json who;  ///< who asked
    /// Writes the result, durably; called with the finished certificate before anybody can read it.
    std::function<Result<>(const CertificateRecord&)> record_result;
  };

  Result<CertificateRecord> issue(const IssueRequest& request, const Trail& trail);

  /// A self-signed root for `key`; recorded under the CA's own name.
  Result<CertificateRecord> issue_root(const std::string& peer, const std::string& ca, const KeyRecord& key,
                                       const ca::Profile& profile, const x509::DistinguishedName& subject,
                                       const Trail& trail);

 private:
  struct Task {
    CertificateRecord wanted;  ///< what is known before the certificate is prepared
    std::function<Result<ca::Prepared>(const x509::Serial&, TimePoint now)> prepare;
    KeyId issuer_id;
    EVP_PKEY* issuer_key;  ///< belongs to the caller
  };

  Result<CertificateRecord> run(const Task& task, const Trail& trail);
  Result<CertificateRecord> reserve(const Task& task, const ca::Prepared& prepared, const Trail& trail);
  Result<> resume(const CertificateRecord& known, const Task& task, const Trail& trail);
  Result<CertificateRecord> finish(CertificateRecord intent, const Task& task, const Trail& trail);

  Registry& registry_;
  AuditLog& audit_;
  Authorities& authorities_;
  const ca::Profiles& profiles_;
  hsm::Signer& signer_;
  const ClockGuard& clock_;
};

}  // namespace hubseal::daemon
