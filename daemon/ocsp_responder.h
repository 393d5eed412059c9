#pragma once

#include <memory>
#include <string>

#include "common/json.h"
#include "daemon/audit.h"
#include "daemon/authorities.h"
#include "daemon/ca/ocsp.h"
#include "daemon/clock_guard.h"
#include "daemon/gate.h"
#include "daemon/kept_answers.h"
#include "daemon/ocsp_delegates.h"
#include "daemon/policy/policy.h"
#include "daemon/quota/quotas.h"

namespace hubseal::daemon {

/// Says of certificates whether they are good (RFC 6960), for each CA by a delegate (ocsp_delegates.h). An answer that
/// others may get as well is kept and given again while it is good and the registry says the same: without the token,
/// and while hubseald is sealed. What is asked for is signed anew before it ends. Threads: share it freely.
class OcspResponder {
 public:
  static constexpr std::chrono::minutes kLife{60};     ///< of an answer that is kept
  static constexpr std::chrono::minutes kOnceLife{5};  ///< of one that answers one question only
  static constexpr std::chrono::minutes kLeastLeft{
      5};  ///< a kept one that ends sooner is given only for want of another
  static constexpr std::chrono::seconds kTick{30};
  static constexpr std::size_t kMostRenewed = 200;  ///< in one tick: all that are kept in half of their life

  struct Parts {
    Registry& registry;
    AuditLog& audit;
    Authorities& authorities;
    Keyring& keyring;
    Issuance& issuance;
    Quotas& quotas;
    hsm::Signer& signer;
    Gate& gate;
    const ClockGuard& clock;
  };
  explicit OcspResponder(const Parts& parts)
      : parts_(parts),
        delegates_({.registry = parts.registry,
                    .audit = parts.audit,
                    .keyring = parts.keyring,
                    .issuance = parts.issuance,
                    .signer = parts.signer,
                    .gate = parts.gate,
                    .clock = parts.clock}) {}

  /// DER OCSPResponse. Whatever is wrong with the request, or cannot be signed now, is said in the words of OCSP
  /// (malformedRequest, unauthorized, tryLater), so that who carries it need not look inside. While the clock cannot be
  /// believed it is tryLater.
  /// Errors: internal.
  Result<Bytes> respond(const Policy& policy, ByteView request, const Json& who);

  /// Signs anew what was asked for since it was signed and has half of its life behind it. For the housekeeper.
  std::chrono::milliseconds renew_ahead(const Policy& policy);

 private:
  struct Question {
    std::shared_ptr<const Authority> authority;
    ca::OcspRequest request;
    std::vector<ca::OcspAnswer> answers;  ///< by the registry
    std::string said;                     ///< the answers in words
    bool keeps = false;                   ///< others may ask the same, and cannot invent it
  };
  struct Signed {
    TimePoint at{}, until{};
    Bytes response;
  };

  bool vouches(const Authority& authority) const;
  Result<std::shared_ptr<const Authority>> issuer_of(const ca::OcspRequest& request) const;
  Result<Question> look_up(ca::OcspRequest request);
  Result<Bytes> answer(const Policy& policy, ca::OcspRequest request, const Json& who);
  Result<std::optional<KeptAnswer>> find_kept(const Question& question);
  Result<Bytes> sign_and_keep(const Policy& policy, const Question& question, const Json& who);
  Result<Signed> sign(const Question& question, const OcspDelegate& delegate, const Json& who);

  const Parts parts_;
  OcspDelegates delegates_;
  KeptAnswers kept_;
};

}  // namespace hubseal::daemon
