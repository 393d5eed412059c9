/// What the profile says to a request, one question at a time. prepare.h asks them in order.
/// Errors: policy_denied, naming rule, found and wanted; bad_request for what is malformed.
#pragma once

#include <string_view>
#include <vector>

#include "common/x509/csr.h"
#include "daemon/ca/prepare.h"
#include "daemon/ca/profile.h"

namespace hubseal::ca {

/// Errors: policy_denied, naming what the profile allows.
Result<> check_key_type(const Profile& profile, KeyType type);
/// The kind of a key that the profile allows and that is not weak by its numbers.
Result<KeyType> decide_key(const Profile& profile, EVP_PKEY* key);

/// Passes what common clients ask for and the profile decides anyway (key usage, extended key usage,
/// key identifier, CA:FALSE, subjectAltName); refuses CA:TRUE and every other extension by name.
Result<> check_requested_extensions(const x509::Csr& csr);

/// The subject that the profile makes of what is asked for. `issuer` may be null (a root), which has no participant.
Result<x509::DistinguishedName> decide_subject(const Profile& profile, const x509::DistinguishedName& requested,
                                               const Participant& participant, const Issuer* issuer);

/// Refuses names that the profile does not allow; what is left is certified as asked.
Result<> check_names(const Profile& profile, const x509::SubjectAltNames& requested, const Participant& participant);

/// The same for a CN, which verifiers take for a host's name, wildcards included, where subjectAltName
/// holds no DNS name; and refuses the name of the CA itself.
Result<> check_common_name(const Profile& profile, const x509::DistinguishedName& subject,
                           const Participant& participant, const Issuer& issuer);

/// Refuses what the register does not say of this participant.
Result<> check_register(const Participant& participant, const x509::DistinguishedName& subject,
                        const std::vector<ClaimedName>& claims);

}  // namespace hubseal::ca
