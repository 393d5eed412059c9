/// A list that a CA has signed elsewhere, read so that its revocations live on here.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "daemon/ca/crl.h"

namespace hubseal::ca {

constexpr std::size_t kMaxCrlPem = 768 * 1024;  ///< characters: some 15,000 entries

struct ReadCrl {
  Bytes der;
  std::int64_t number = 0;  ///< cRLNumber; 0 where it has none
  TimePoint this_update{}, next_update{};
  std::vector<RevokedEntry> entries;
};

/// Exactly one "X509 CRL" block: a full list of this issuer's, signed by its key and not from the future. One that has
/// expired will do: it is the last one. Of reasons that HubSeal does not give, cACompromise is read as keyCompromise
/// and aACompromise as privilegeWithdrawn. Errors: bad_request; policy_denied (another issuer's, a delta or an indirect
/// list, a future date, a serial number twice).
Result<ReadCrl> read_crl(std::string_view pem, const Issuer& issuer, TimePoint now);

}  // namespace hubseal::ca
