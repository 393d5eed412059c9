/// The parts of a profile that become extensions of their own.
#pragma once

#include "common/fields.h"
#include "daemon/ca/name_constraints.h"
#include "daemon/ca/profile.h"

namespace hubseal::ca {

/// `policy_oids`, `crl_urls` and `ocsp_urls`, into `profile`, whose kind is known already.
/// Errors: bad_request naming the key.
Result<> read_extensions(Fields& fields, Profile& profile);

/// The table [name_constraints].
Result<NameConstraints> read_name_constraints(Fields fields);

/// Patterns of DNS names: labels, "*" for any one label, "{subject}" for the participant's id.
Result<std::vector<std::string>> read_dns_patterns(Fields& fields);

}  // namespace hubseal::ca
