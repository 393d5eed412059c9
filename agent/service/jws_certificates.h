#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/service/validation.h"
#include "agent/store/jws_key_table.h"
#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent {

class Certificate;
class DfspCas;
class Revocations;
class SigningDaemon;
struct CaChain;

/// Certificates in which participants bring their keys for JWS (PKI-3).
/// Threads: share it freely.
class JwsCertificates {
 public:
  /// A certificate that is good for signing messages, and whose.
  struct Judged {
    std::string public_key;  ///< PEM
    bool of_hub_ca = false;  ///< hubseald has issued it for this participant; otherwise its own CA has
    std::vector<Validation> validations;
  };

  /// `ca` is the daemon's name for the hub CA.
  JwsCertificates(DfspCas& dfsp_cas, SigningDaemon& daemon, Revocations& revocations, std::string ca,
                  const Clock& clock)
      : dfsp_cas_(dfsp_cas), daemon_(daemon), revocations_(revocations), ca_(std::move(ca)), clock_(clock) {}

  /// Errors: policy_denied: it is not for signatures, not in force, or of neither CA; bad_request, too_large: it is no
  /// certificate, or what was sent with it is none; the daemon's, where it alone could say whether the certificate is
  /// the hub CA's.
  Result<Judged> judge(std::string_view dfsp_id, std::string_view pem, std::string_view intermediates);

  /// What has become of a key's certificate since it was stored: it has ended, or hubseald's CRL names it.
  void add_to(store::JwsKey& key);
  /// Whether the hub's CA has revoked it or put it on hold, be it this moment. Errors: the daemon's, where it alone
  /// could say.
  Result<bool> is_stopped(const store::JwsKey& key);
  /// Whether its certificate has ended, and the hub's CA has not revoked it.
  bool has_ended(const store::JwsKey& key);

 private:
  Result<bool> is_of_hub_ca(std::string_view dfsp_id, const Certificate& certificate);
  Result<Validation> lead_to_own_ca(std::string_view dfsp_id, const Certificate& certificate, CaChain sent);

  DfspCas& dfsp_cas_;
  SigningDaemon& daemon_;
  Revocations& revocations_;
  const std::string ca_;
  const Clock& clock_;
};

}  // namespace hubseal::agent
