#pragma once

#include "common/key_types.h"
#include "common/x509/distinguished_name.h"
#include "common/x509/subject_alt_names.h"

namespace hubseal::agent {

/// A key of the hub for its own TLS that is to be made, and what the CSR made with it says.
struct NewKey {
  KeyType type = KeyType::rsa_4096;
  x509::DistinguishedName subject;
  x509::SubjectAltNames names;
};

}  // namespace hubseal::agent
