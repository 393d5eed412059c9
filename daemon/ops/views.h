/// What several operations read from a request or show in a reply, in one form.
#pragma once

#include "common/fields.h"
#include "common/json.h"
#include "common/x509/distinguished_name.h"
#include "daemon/authorities.h"
#include "daemon/keyring.h"
#include "daemon/policy/policy.h"
#include "daemon/registry/certificate_table.h"
#include "daemon/registry/name_table.h"
#include "daemon/registry/policy_table.h"
#include "daemon/registry/subject_table.h"
#include "daemon/rotations.h"

namespace hubseal::daemon::ops {

constexpr std::size_t kMaxName = 64;  ///< bytes of labels, CA, profile and participant names

/// The `subject` object of create_ca and create_csr.
Result<x509::DistinguishedName> read_subject(Fields fields);

/// What stops it from signing, if anything does: its life, or what the token shows.
std::string_view state_of(const Key& key);
Json view_of(const Key& key);
/// Where it stands among those that took over from each other, and whether verifiers of JWS are shown it.
void add_line(Json& view, const Key& key, const Rotations& rotations);
/// With pem and jwk. Errors: hsm_unavailable while the key is missing.
Result<Json> full_view_of(const Key& key);
Json view_of(const Authority& authority, const Keyring& keyring);
/// Without the PEM.
Json view_of(const CertificateRecord& record);

/// Without its names.
Json view_of(const SubjectRecord& subject);
/// A participant with its names; those withdrawn stand by themselves. Errors: not_found.
Result<Json> full_view_of_subject(Database& database, const std::string& id);

/// One that a CA is made from. Errors: policy_denied, naming those that there are.
Result<const ca::Profile*> ca_profile(const Policy& policy, const std::string& name);
/// Those that issue_certificate would take of this peer.
std::vector<std::string> profiles_of(const Peer& peer, const Policy& policy);

/// The policy in force after load_policy, and whether it was there before.
Json view_of(const Policy& policy, bool changed);
/// Without its files.
Json view_of(const PolicyRecord& policy);

/// What a certificate says, but for serial and dates, in the words of profiles: what people compare before they agree.
/// Errors: bad_request.
Result<Json> content_of(const x509::Certificate& certificate);
std::string certificate_pem(const CertificateRecord& record);

}  // namespace hubseal::daemon::ops
