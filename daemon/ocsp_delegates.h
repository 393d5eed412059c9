#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>

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
/// half of their time is over, or when the token has lost that key. One whose certificate is revoked is out of use
/// at once. Threads: share it freely.
class OcspDelegates {
 public:
  static constexpr std::chrono::hours kKeyGrace{1};     ///< an old key is destroyed so long after its successor came
  static constexpr std::chrono::seconds kPatience{60};  ///< between two attempts to make one, of which the first failed
  /// A key that the token does not show is lost after this: many times the longest pause without a look for it.
  static constexpr std::chrono::seconds kLate{60};
  /// For one that is being made, from its beginning on.
  static constexpr std::chrono::seconds kLongestWait{5};
  static constexpr const char* kProfile = "ocsp-responder";

  struct Parts {
    Registry& registry;
    AuditLog& audit;
    Keyring& keyring;
    Issuance& issuance;
    hsm::Signer& signer;
    Gate& gate;
    const ClockGuard& clock;
  };
  explicit OcspDelegates(const Parts& parts) : parts_(parts) {}
  OcspDelegates(const OcspDelegates&) = delete;  // its threads exist once
  OcspDelegates& operator=(const OcspDelegates&) = delete;
  /// Waits for those that are being made.
  ~OcspDelegates();

  /// The one in use, as the registry says now; null where none is. Does not ask the token: what it has signed is good.
  Result<OcspDelegatePtr> in_use(const Authority& authority);
  /// The same, made where there is none that can sign or its time has come.
  /// One is made at a time for each CA, in a thread of its own, and none waits for another CA's.
  /// Errors: not_found (no profile for it), those of Gate::enter, Keyring::find and Issuance; hsm_unavailable shortly
  /// after an attempt that failed and while its key may only be late, hsm_busy while one takes longer than
  /// kLongestWait.
  Result<OcspDelegatePtr> find_or_make(const Policy& policy, const std::shared_ptr<const Authority>& authority,
                                       const Json& who);

 private:
  /// One CA's maker.
  struct Turn {
    bool looked = false;                ///< for what an earlier start has made
    std::uint64_t begun = 0, done = 0;  ///< attempts; one is under way where they differ
    std::chrono::steady_clock::time_point since{};
    std::chrono::seconds next{0};  ///< no attempt before, of a clock that nobody can set
    Result<OcspDelegatePtr> outcome = nullptr;
    std::thread maker;
    struct Missing {
      unsigned generation;  ///< of the token
      std::chrono::seconds since;
    };
    std::optional<Missing> missing;  ///< the key of the one in use
  };

  /// A key without a certificate belongs to no CA yet: that another CA's maker neither takes it nor retires it.
  using Claim = std::unique_ptr<const std::string, std::function<void(const std::string*)>>;
  Claim claim(const std::string& label);  ///< null where somebody has it

  Result<bool> is_trusted(const Authority& authority, const OcspDelegate& delegate);
  /// Errors: the token's, while it is not known.
  Result<bool> is_lost(const std::string& ca, const KeyId& key);
  Result<OcspDelegatePtr> find_earlier(const Authority& authority);
  Result<OcspDelegatePtr> take_earlier(const Authority& authority);
  Result<OcspDelegatePtr> make_in_turn(const Policy& policy, const std::shared_ptr<const Authority>& authority,
                                       const Json& who);
  Result<ca::Profile> check_makable(const Policy& policy, const Authority& authority, const Turn& turn) const;
  void run_turn(const Authority& authority, const ca::Profile& profile, const Json& who);
  Result<OcspDelegatePtr> make_key_and_certify(const Authority& authority, const ca::Profile& profile, const Json& who);
  Result<OcspDelegatePtr> certify(const Authority& authority, const KeyRecord& key, const ca::Profile& profile,
                                  const Json& who);
  Result<KeyRecord> make_key(const std::string& label, const ca::Profile& profile, const Json& who);
  Result<> retire_others(const Authority& authority, const OcspDelegate& current);

  const Parts parts_;
  Guarded<std::map<std::string, OcspDelegatePtr>> in_use_;  ///< by CA; never held for long
  Guarded<std::map<std::string, Turn>> turns_;              ///< by CA; never held for long
  Guarded<std::set<std::string>> claimed_;                  ///< labels of keys
  std::condition_variable changed_;
};

}  // namespace hubseal::daemon
