/// Which names a CA may certify (RFC 5280 section 4.2.1.10).
#pragma once

#include <string>
#include <vector>

#include "common/openssl.h"
#include "common/result.h"
#include "common/x509/certificate.h"

namespace hubseal::ca {

using NameConstraintsPtr = std::unique_ptr<NAME_CONSTRAINTS, Deleter<NAME_CONSTRAINTS_free>>;

/// DNS names ("example.com" is itself and all below) and networks ("192.0.2.0/24", "2001:db8::/32"). Of a kind that has
/// permitted ones, everything else is forbidden; what is excluded is forbidden in any case.
struct NameConstraints {
  std::vector<std::string> permitted_dns, excluded_dns;
  std::vector<std::string> permitted_ip, excluded_ip;

  bool empty() const;
  bool operator==(const NameConstraints&) const = default;
};

/// "192.0.2.0/24" as `canonical_ip`/length, with the bits beyond the length zero. Errors: bad_request.
Result<std::string> canonical_network(std::string_view network);

/// DER of the extension's value. Errors: internal for networks that are not canonical.
Result<Bytes> der_of(const NameConstraints& constraints);
/// Those of a certificate, as OpenSSL reads them; empty when it has none. Errors: bad_request for kinds of name that
/// are unknown here.
Result<NameConstraints> constraints_in(const x509::Certificate& certificate);
/// Also true for a certificate that has none.
bool are_constraints_critical(const x509::Certificate& certificate);

/// Whether who is held to `inner` is held to `outer` as well: of each kind nothing more is permitted, and nothing less
/// is excluded. Networks are compared as they are written: a part of one counts as another.
bool is_within(const NameConstraints& inner, const NameConstraints& outer);
/// For people: "permitted dns: dfsp.example"; "no name constraints".
std::string words_of(const NameConstraints& constraints);

/// Whether a verifier (OpenSSL) would accept the names of `certificate` below `issuer`: subject, CN and subjectAltName.
/// Errors: policy_denied.
Result<> check_constraints(const x509::Certificate& issuer, const x509::Certificate& certificate);

}  // namespace hubseal::ca
