#pragma once

#include <map>
#include <memory>
#include <string>

#include "common/guarded.h"
#include "common/json.h"
#include "daemon/audit.h"
#include "daemon/authorities.h"
#include "daemon/clock_guard.h"
#include "daemon/gate.h"
#include "daemon/issuance.h"
#include "daemon/keyring.h"
#include "daemon/policy/policy.h"

namespace hubseal::daemon {

/// Whom a CA has certified for signing its OCSP answers, and nothing else.
struct OcspDelegate {
  KeyRecord key;
  x509::Certificate certificate;
  TimePoint renew_at{};
};
using OcspDelegatePtr = std::shared_ptr<const OcspDelegate>;

/// The delegate of each CA: a key of the token and a certificate of a few days, made when first needed and anew when
/// half of their time is over. One whose certificate is revoked is out of use at once. Threads: share it freely.
class OcspDelegates {
 public:
  static constexpr std::chrono::hours kKeyGrace{1};     ///< an old key is destroyed so long after its successor came
  static constexpr std::chrono::seconds kPatience{60};  ///< between two attempts to make one, of which the first failed
  static constexpr const char* kProfile = "ocsp-responder";

  struct Parts {
    Registry& registry;
    AuditLog& audit;
    Keyring& keyring;
    Issuance& issuance;
    Gate& gate;
    const ClockGuard& clock;
  };
  explicit OcspDelegates(const Parts& parts) : parts_(parts) {}

  /// The one in use, as the registry says now; null where none is. Does not ask the token.
  Result<OcspDelegatePtr> in_use(const Authority& authority);
  /// The same, made where there is none or its time has come.
  /// Errors: not_found (no profile for it), those of Gate::enter, Keyring::find and Issuance; hsm_unavailable shortly
  /// after an attempt that failed.
  Result<OcspDelegatePtr> find_or_make(const Policy& policy, const Authority& authority, const Json& who);

 private:
  struct Attempts {
    bool looked = false;           ///< for what an earlier start has made
    std::chrono::seconds next{0};  ///< of a clock that nobody can set
  };

  Result<bool> is_trusted(const Authority& authority, const OcspDelegate& delegate);
  Result<OcspDelegatePtr> find_earlier(const Authority& authority);
  Result<OcspDelegatePtr> make(const Policy& policy, const Authority& authority, const Json& who, Attempts& attempts);
  Result<OcspDelegatePtr> make_key_and_certify(const Authority& authority, const ca::Profile& profile, const Json& who);
  Result<OcspDelegatePtr> certify(const Authority& authority, const KeyRecord& key, const ca::Profile& profile,
                                  const Json& who);
  Result<KeyRecord> make_key(const ca::Profile& profile, const Json& who);
  Result<> retire_others(const Authority& authority, const OcspDelegate& current);

  const Parts parts_;
  Guarded<std::map<std::string, OcspDelegatePtr>> in_use_;  ///< by CA; never held for long
  Guarded<std::map<std::string, Attempts>> attempts_;       ///< by CA; held while one is made
};

}  // namespace hubseal::daemon
