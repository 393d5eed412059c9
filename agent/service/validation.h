/// The verdicts on what participants and hub send each other, in MCM's shape.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/json.h"
#include "common/result.h"

namespace hubseal::agent {

class Certificate;
class Csr;
class IssuedCertificate;
struct CaChain;

enum class Verdict { valid, invalid, not_available };
std::string_view to_string(Verdict verdict);  ///< "VALID", "INVALID", "NOT_AVAILABLE"

/// Found and wanted, of a key that is too short.
struct KeyBits {
  int actual;
  int wanted;
};

/// One check. `message` says what was found and, where it is not good, what was wanted.
struct Validation {
  std::string code;
  Verdict verdict;
  std::string message;
  bool shows_state = false;  ///< CERTIFICATE_VALIDITY and CERTIFICATE_USAGE_SERVER repeat the verdict in `state`
  std::string details = {};  ///< "VALID(SELF_SIGNED)"; empty leaves it out
  std::optional<KeyBits> key_bits = {};
};

Json to_json(const std::vector<Validation>& validations);
/// INVALID as soon as one is; a list in which nothing could be checked is VALID.
Verdict overall(const std::vector<Validation>& validations);

/// Refuses with the first that is INVALID. Errors: policy_denied: "<what>: <code>: <message>".
Result<> refuse_invalid(const std::vector<Validation>& validations, std::string_view what);

struct ValidationRules {
  int rsa_bits = 4096;  ///< 2048 or 4096: which *_PUBLIC_KEY_LENGTH_* is asked
};

// Each list in MCM's order. Dates are judged at `now`.

/// An inbound enrollment; `certificate` is null before signing.
std::vector<Validation> validate_inbound(const Csr& csr, const IssuedCertificate* certificate,
                                         const ValidationRules& rules, TimePoint now);
/// As before, of a certificate that another CA than the hub's made.
std::vector<Validation> validate_inbound(const Csr& csr, const Certificate& signed_elsewhere,
                                         const ValidationRules& rules, TimePoint now);
/// An outbound enrollment: the hub's CSR and what the DFSP made from it (null before that), which must lead to the
/// DFSP's CA. Its last item is CERTIFICATE_SIGNED_BY_DFSP_CA.
std::vector<Validation> validate_outbound(const Csr& csr, const Certificate* certificate, const CaChain& dfsp_ca,
                                          const ValidationRules& rules, TimePoint now);
/// Whether a TLS server takes it from a client: no extendedKeyUsage or one with clientAuth, a keyUsage that allows it,
/// and no CA's certificate. MCM has no code for it in these lists.
bool is_for_tls_clients(const Certificate& certificate);
std::vector<Validation> validate_server_certificate(const Certificate& certificate, const CaChain& ca,
                                                    const ValidationRules& rules, TimePoint now);
std::vector<Validation> validate_ca(const CaChain& ca, TimePoint now);
/// A key for JWS, which is text as it came: RSA of 2048 bits and more, or EC on P-256 or P-384. One item.
std::vector<Validation> validate_jws_key(std::string_view pem);

}  // namespace hubseal::agent
