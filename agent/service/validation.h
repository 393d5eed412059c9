/// The verdicts on a DFSP's CSR and on the certificate made from it, in MCM's shape.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/json.h"

namespace hubseal::agent {

class Csr;
class IssuedCertificate;

enum class Verdict { valid, invalid, not_available };
std::string_view to_string(Verdict verdict);  ///< "VALID", "INVALID", "NOT_AVAILABLE"

/// One check. `message` says what was found and, where it is not good, what was wanted.
struct Validation {
  std::string code;
  Verdict verdict;
  std::string message;
  bool shows_state = false;  ///< CERTIFICATE_VALIDITY repeats its verdict in a member `state`
};

Json to_json(const std::vector<Validation>& validations);
/// INVALID as soon as one is; a list in which nothing could be checked is VALID.
Verdict overall(const std::vector<Validation>& validations);

struct ValidationRules {
  int rsa_bits = 4096;  ///< 2048 or 4096: which CSR_PUBLIC_KEY_LENGTH_* is asked
};

/// The eight checks of an inbound enrollment, in MCM's order; `certificate` is null before signing.
std::vector<Validation> validate_inbound(const Csr& csr, const IssuedCertificate* certificate,
                                         const ValidationRules& rules, TimePoint now);

}  // namespace hubseal::agent
