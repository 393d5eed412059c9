#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/guarded.h"
#include "daemon/approvals/approvals.h"
#include "daemon/audit.h"
#include "daemon/authorities.h"
#include "daemon/clock_guard.h"
#include "daemon/gate.h"
#include "daemon/keyring.h"
#include "daemon/registry/certificate_table.h"
#include "daemon/registry/revocation_table.h"
#include "hsm/signer.h"

namespace hubseal::daemon {

/// Revokes certificates and publishes the lists that say so (RFC 5280 section 5). A revocation stands from the moment
/// it is in the registry, whatever the clock says; the CRL follows at once, and again and again until it could be
/// signed and written. None is signed while the clock has jumped. Owns: <folder>/CA.crl (DER), replaced as one step.
/// Threads: share it freely.
class Revocation {
 public:
  /// A new CRL at least as often; each is good for twice as long.
  static constexpr std::chrono::hours kPeriod{24};

  struct Parts {
    Registry& registry;
    AuditLog& audit;
    Authorities& authorities;
    Keyring& keyring;
    hsm::Signer& signer;
    Gate& gate;
    const Clock& clock;
    const ClockGuard& guard;  ///< for the dates of CRLs
    std::filesystem::path folder;
  };
  explicit Revocation(const Parts& parts) : parts_(parts) {}

  /// A certificate that participants have. Errors: not_found; policy_denied (a CA's own).
  Result<CertificateRecord> find(const std::string& ca, const std::string& serial);

  /// A repeat is no error. A hold may become a revocation, and one that came with a suspension a hold of its own;
  /// nothing else changes what was said.
  /// Errors: conflict, and those of `grant`.
  Result<RevocationRecord> revoke(const CertificateRecord& certificate, ca::RevocationReason reason,
                                  const Grant& grant);
  /// Errors: conflict (not on hold; its participant is suspended, which only resuming takes back).
  Result<> check_release(const CertificateRecord& certificate);
  Result<> release(const CertificateRecord& certificate, const Grant& grant);

  /// The newest CRL, which may be older than the last revocation while the token is away. Errors: not_found.
  Result<CrlRecord> latest(const std::string& ca);
  /// Signs one now if the list has changed or half of its life is over, and writes the newest where the file holds
  /// something else; for the housekeeper.
  Result<> bring_up_to_date(const std::string& ca);
  /// For who is about to look at problems(): tries once more what is behind, where the token is there. What stands in
  /// the way otherwise (a seal, a stopped key) is found before the token is asked.
  void retry();
  /// Which CRLs are not what they should be, and why, in words.
  std::vector<std::string> problems() const;
  std::chrono::milliseconds tick();

 private:
  Result<> make_what_is_due(const std::string& ca);
  Result<> issue(const Authority& authority, const std::optional<CrlRecord>& last, std::int64_t change);
  Result<> publish(const CrlRecord& crl) const;

  const Parts parts_;
  Guarded<int> issuing_{0};                                     // one CRL is made at a time, so that they come in order
  mutable Guarded<std::map<std::string, std::string>> behind_;  // by CA: why its CRL is
};

}  // namespace hubseal::daemon
