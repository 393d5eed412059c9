#pragma once

#include <array>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/json.h"
#include "daemon/approvals/approvals.h"
#include "daemon/audit.h"
#include "daemon/authorities.h"
#include "daemon/ca/profile.h"
#include "daemon/clock_guard.h"
#include "daemon/keyring.h"
#include "daemon/policy/policy.h"
#include "daemon/register.h"
#include "daemon/registry/certificate_table.h"
#include "daemon/registry/key_table.h"
#include "daemon/registry/registry.h"
#include "hsm/signer.h"

namespace hubseal::daemon {

/// What is asked for, and by whom: `peer` and `request` together name it for ever.
struct IssueRequest {
  std::string peer;  ///< name of the peer's rule
  std::string request;
  std::string ca;
  std::string profile;
  std::string subject;                                  ///< participant
  std::string csr;                                      ///< PEM
  std::optional<Registered> registered = std::nullopt;  ///< what the register says of the participant
};

/// The way of every certificate: prepare, lint, record the intent, sign, verify, record, release.
/// Whatever happens in between, a repeated request goes on where the first one stopped, with the
/// same serial and the same bytes, and a certificate is on disk before anybody sees it.
/// Threads: share it freely.
/// Errors: those of Register, prepare_certificate, certificate_table::reserve, Signer::sign; conflict for a request id
/// that was used for something else; policy_denied for one that was recorded under another policy.
class Issuance {
 public:
  struct Parts {
    Registry& registry;
    AuditLog& audit;
    Authorities& authorities;
    const Keyring& keyring;
    hsm::Signer& signer;
    const ClockGuard& clock;
  };
  explicit Issuance(const Parts& parts)
      : registry_(parts.registry),
        audit_(parts.audit),
        authorities_(parts.authorities),
        keyring_(parts.keyring),
        signer_(parts.signer),
        clock_(parts.clock) {}

  /// Whom a request comes from, and what is told about it.
  struct Trail {
    Json who;  ///< who asked, for the audit log
    /// The right to issue what was prepared. Not asked for an intent that is there, unless it takes more people by now.
    std::function<Result<Grant>(const ca::Prepared&)> authorize;
    /// Writes the result, durably; called with the finished certificate before anybody can read it.
    std::function<Result<>(const CertificateRecord&)> record_result;
    unsigned needed = 0;  ///< how many must agree
  };

  Result<CertificateRecord> issue(const Policy& policy, const IssueRequest& request, const Trail& trail);

  /// A self-signed root for `key`; recorded under the CA's own name.
  Result<CertificateRecord> issue_root(const std::string& peer, const std::string& ca, const KeyRecord& key,
                                       const ca::Profile& profile, const x509::DistinguishedName& subject,
                                       const Trail& trail);

  /// For a CA's OCSP responder; recorded under the CA's own name.
  Result<CertificateRecord> issue_responder(const Authority& authority, const KeyRecord& key,
                                            const ca::Profile& profile, const Trail& trail);
  /// Another CA's name and key under this one; once for each pair.
  Result<CertificateRecord> issue_cross(const std::string& peer, const Authority& issuer, const Authority& other,
                                        const ca::Profile& profile, const Trail& trail);

 private:
  struct Task {
    CertificateRecord wanted;  ///< what is known before the certificate is prepared
    std::function<Result<ca::Prepared>(const x509::Serial&, TimePoint now)> prepare;
    /// In the transaction that reserves the serial: whether the register still allows it. Null for a root.
    std::function<Result<>(Database&, const ca::Prepared&, TimePoint now)> admit;
    const ca::Profile* profile;  ///< null where prepare refuses
    bool registers = false;      ///< the participant is not known yet: this certificate enters it
    KeyId issuer_id;
    EVP_PKEY* issuer_key;  ///< belongs to the caller
  };

  Result<std::string> unused_cross_request(const std::string& peer, const std::string& by, const std::string& ca);
  Result<std::optional<CertificateRecord>> find_request(const CertificateRecord& wanted);
  Result<CertificateRecord> run(const Task& task, const Trail& trail);
  Result<std::optional<CertificateRecord>> issue_anew(const Task& task, const Trail& trail,
                                                      const std::optional<TimePoint>& latest);
  Result<std::optional<CertificateRecord>> reserve(const Task& task, const ca::Prepared& prepared, TimePoint now,
                                                   const Trail& trail);
  Result<> authorize_anew(CertificateRecord& intent, const ca::Prepared& prepared, const Trail& trail);
  Result<> resume(CertificateRecord& known, const Task& task, const Trail& trail);
  Result<CertificateRecord> sign(CertificateRecord intent, const Task& task, const Trail& trail);
  std::mutex& finishing(const std::string& serial) {
    return finishing_[std::hash<std::string>()(serial) % finishing_.size()];
  }

  Registry& registry_;
  AuditLog& audit_;
  Authorities& authorities_;
  const Keyring& keyring_;
  hsm::Signer& signer_;
  const ClockGuard& clock_;
  /// One thread at a time finishes a request: two signatures of one certificate would be two certificates,
  /// and the log would name one that nobody can ever see. By serial, so that others need not wait.
  std::array<std::mutex, 256> finishing_;
};

}  // namespace hubseal::daemon
