/// Whom a certificate is for, and which names it gives to whom.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/x509/distinguished_name.h"
#include "common/x509/subject_alt_names.h"

namespace hubseal::ca {

enum class NameKind { cn, dns, ip };
std::string_view to_string(NameKind kind);

/// A name that may belong to one participant only (PKI-5). Compare kind and value as they are: CNs
/// are lower-cased with single spaces; a CN that is a host name or an address is claimed as such too.
struct ClaimedName {
  NameKind kind;
  std::string value;
  bool operator==(const ClaimedName&) const = default;
};

/// A participant (DFSP) as the hub's register has it: the limits of what its certificates may say.
struct Participant {
  std::string id;
  std::string organization;  ///< O of its certificates; empty: none may be certified
  std::string country;       ///< C, likewise
  /// CNs, DNS names and addresses. Nothing at all: the register is about to learn all three from this certificate.
  std::optional<std::vector<ClaimedName>> names;
};

/// As names are compared (X.520 caseIgnoreMatch): case and repeated spaces make no difference.
std::string comparable(std::string_view name);

/// The DNS name that a CN is as well, if it is one; the dot of the root at its end makes no difference.
std::optional<std::string> host_in(std::string_view common_name);

/// The names that a CN gives to its participant.
std::vector<ClaimedName> claims_of(std::string_view common_name);
/// The names that a certificate gives to its participant, none twice.
std::vector<ClaimedName> claims_of(const x509::DistinguishedName& subject, const x509::SubjectAltNames& names);

/// What a certificate with this subject and these names would say beyond the register: in words, or nothing.
std::optional<std::string> beyond_register(const Participant& participant, const x509::DistinguishedName& subject,
                                           const std::vector<ClaimedName>& claims);

}  // namespace hubseal::ca
