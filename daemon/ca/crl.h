/// Certificate revocation lists (RFC 5280 section 5), version 2.
#pragma once

#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/x509/certificate.h"
#include "daemon/ca/prepare.h"

namespace hubseal::ca {

/// CRLReason (RFC 5280 section 5.3.1), those that a CA gives for a participant's certificate.
enum class RevocationReason {
  unspecified = 0,
  key_compromise = 1,
  affiliation_changed = 3,
  superseded = 4,
  cessation_of_operation = 5,
  certificate_hold = 6,  ///< the only one that can be taken back
  privilege_withdrawn = 9,
};
constexpr std::array<std::pair<std::string_view, RevocationReason>, 7> kRevocationReasons = {{
    {"unspecified", RevocationReason::unspecified},
    {"key_compromise", RevocationReason::key_compromise},
    {"affiliation_changed", RevocationReason::affiliation_changed},
    {"superseded", RevocationReason::superseded},
    {"cessation_of_operation", RevocationReason::cessation_of_operation},
    {"certificate_hold", RevocationReason::certificate_hold},
    {"privilege_withdrawn", RevocationReason::privilege_withdrawn},
}};
std::string_view to_string(RevocationReason reason);

struct RevokedEntry {
  x509::Serial serial;
  TimePoint at{};
  RevocationReason reason{};
};

struct CrlDraft {
  const Issuer& issuer;
  SignatureAlgorithm algorithm;
  std::int64_t number;  ///< cRLNumber: larger than all before
  TimePoint this_update, next_update;
  const std::vector<RevokedEntry>& entries;
};
/// DER TBSCertList with authorityKeyIdentifier and cRLNumber.
Result<Bytes> build_crl_tbs(const CrlDraft& draft);

/// The CRL around what was signed, released only if libcrypto reads back what the draft says and the signature
/// verifies with the issuer's key.
/// Errors: internal.
Result<Bytes> close_crl(const CrlDraft& draft, ByteView tbs, ByteView signature);

}  // namespace hubseal::ca
