#pragma once

#include <map>
#include <memory>
#include <string>

#include "common/guarded.h"
#include "common/json.h"
#include "daemon/audit.h"
#include "daemon/authorities.h"
#include "daemon/ca/ocsp.h"
#include "daemon/clock_guard.h"
#include "daemon/gate.h"
#include "daemon/issuance.h"
#include "daemon/keyring.h"
#include "daemon/policy/policy.h"
#include "daemon/quota/quotas.h"

namespace hubseal::daemon {

/// Says of certificates whether they are good (RFC 6960), for each CA by a responder that it has certified for just
/// that: a key of the token and a certificate of a few days, made when somebody first asks, and anew when half of their
/// time is over. The answer to who sends no nonce is signed once and given again for half of its life. Threads: share
/// it freely.
class OcspResponder {
 public:
  static constexpr std::chrono::minutes kLife{60};      ///< of an answer without a nonce
  static constexpr std::chrono::minutes kNonceLife{5};  ///< of one with
  static constexpr std::chrono::hours kKeyGrace{1};     ///< an old key is destroyed so long after its successor came
  static constexpr std::size_t kMaxKept = 10'000;       ///< answers that are kept
  static constexpr const char* kProfile = "ocsp-responder";

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
  explicit OcspResponder(const Parts& parts) : parts_(parts) {}

  /// DER OCSPResponse. Whatever is wrong with the request, or cannot be signed now, is said in the words of OCSP
  /// (malformedRequest, unauthorized, tryLater), so that who carries it need not look inside. While the clock cannot be
  /// believed it is tryLater.
  /// Errors: internal.
  Result<Bytes> respond(const Policy& policy, ByteView request, const Json& who);

 private:
  struct Responder {
    KeyRecord key;
    x509::Certificate certificate;
    TimePoint renew_at{};
  };
  using ResponderPtr = std::shared_ptr<const Responder>;
  struct Kept {
    Bytes response;
    std::string said;    ///< what it says: another status is another answer
    std::string serial;  ///< of the responder
    TimePoint until{};
  };

  Result<std::shared_ptr<const Authority>> issuer_of(const ca::OcspRequest& request) const;
  Result<std::vector<ca::OcspAnswer>> look_up(const std::string& ca, const ca::OcspRequest& request);
  Result<Bytes> answer(const Policy& policy, const ca::OcspRequest& request, const Json& who);
  Result<Bytes> sign(const Authority& authority, const Responder& responder, const ca::OcspRequest& request,
                     const std::vector<ca::OcspAnswer>& answers, const Json& who);
  Result<ResponderPtr> responder_of(const Policy& policy, const Authority& authority, const Json& who);
  Result<ResponderPtr> find_responder(const Authority& authority);
  Result<ResponderPtr> make_responder(const Policy& policy, const Authority& authority, const Json& who);
  Result<KeyRecord> find_or_make_key(const Authority& authority, const ca::Profile& profile, const Json& who);
  Result<> retire_others(const Authority& authority, const Responder& current);

  const Parts parts_;
  Guarded<std::map<std::string, ResponderPtr>> responders_;  ///< by CA; one is made at a time
  Guarded<std::map<Bytes, Kept>> kept_;                      ///< by CertID
};

}  // namespace hubseal::daemon
