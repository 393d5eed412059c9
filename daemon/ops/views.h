/// What several operations read from a request or show in a reply, in one form.
#pragma once

#include "common/fields.h"
#include "common/json.h"
#include "common/x509/distinguished_name.h"
#include "daemon/authorities.h"
#include "daemon/keyring.h"
#include "daemon/registry/certificate_table.h"

namespace hubseal::daemon::ops {

constexpr std::size_t kMaxName = 64;  ///< bytes of labels, CA, profile and participant names

/// The `subject` object of create_ca and create_csr.
Result<x509::DistinguishedName> read_subject(Fields fields);

Json view_of(const Key& key);
/// With pem and jwk. Errors: hsm_unavailable while the key is missing.
Result<Json> full_view_of(const Key& key);
Json view_of(const Authority& authority);
/// Without the PEM.
Json view_of(const CertificateRecord& record);

std::string certificate_pem(const CertificateRecord& record);

}  // namespace hubseal::daemon::ops
