#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
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
/// signed and written. None is signed while the clock has jumped. Owns: <folder>/CA.crl (DER), replaced as one step; a
/// thread that makes the lists, so that nobody waits longer than he wants for a token that hangs.
/// Threads: share it freely.
class Revocation {
 public:
  /// A new CRL at least as often; each is good for twice as long.
  static constexpr std::chrono::hours kPeriod{24};
  /// How long a caller waits for a list that is being made.
  static constexpr std::chrono::seconds kPatience{5};

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
  explicit Revocation(const Parts& parts) : parts_(parts), maker_([this] { make_lists(); }) {}
  Revocation(const Revocation&) = delete;  // its thread exists once
  Revocation& operator=(const Revocation&) = delete;
  /// Waits for the list that is being made.
  ~Revocation();

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
  /// Why no list of this CA is ever signed again: "compromised" (its key, which nobody believes) or "ended"; nothing
  /// while one may be.
  std::optional<std::string_view> why_none(const Authority& authority) const;
  /// Signs one now if the list has changed or half of its life is over, and writes the newest where the file holds
  /// something else; where none comes any more that is no error. Errors: hsm_busy where that takes longer
  /// than `patience`; it goes on all the same.
  Result<> bring_up_to_date(const std::string& ca, std::chrono::milliseconds patience = kPatience);
  /// For who is about to look at problems(): tries once more what is behind, where the token is there. What stands in
  /// the way otherwise (a seal, a stopped key) is found before the token is asked.
  void retry();
  /// By CA, which CRLs are not what they should be, and why, in words.
  std::map<std::string, std::string> problems() const;
  std::chrono::milliseconds tick();

 private:
  /// One CA's turn with the maker: `wanted` counts who asked, `done` up to whom it was answered.
  struct Turn {
    std::uint64_t wanted = 0, done = 0;
    Result<> outcome;
  };
  struct Queue {
    std::map<std::string, Turn> turns;
    bool stop = false;
  };
  void make_lists();
  static std::map<std::string, Turn>::iterator next_turn(Queue& queue, const std::string& last);
  Result<> refuse_old_state() const;
  Result<> make_what_is_due(const std::string& ca);
  Result<> issue(const Authority& authority, const std::optional<CrlRecord>& last, std::int64_t change);
  Result<> publish(const CrlRecord& crl) const;

  const Parts parts_;
  mutable Guarded<std::map<std::string, std::string>> behind_;  // by CA: why its CRL is
  Guarded<Queue> queue_;
  std::condition_variable changed_;
  std::thread maker_;  // last: it uses all the others. One CRL is made at a time, so that they come in order
};

}  // namespace hubseal::daemon
