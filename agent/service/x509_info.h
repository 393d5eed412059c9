/// What MCM's `csrInfo` and `certInfo` show of a CSR or certificate.
#pragma once

#include "common/json.h"
#include "common/openssl.h"

namespace hubseal::agent {

/// { subject, extensions, signatureAlgorithm, publicKeyLength }
Json csr_info(const X509_REQ* csr);
/// As csr_info(), of a participant's CSR: with a CN, which is empty where the CSR has none. Without it the existing
/// portal shows a white page as long as the CSR waits.
Json participants_csr_info(const X509_REQ* csr);
/// { subject, issuer, extensions, serialNumber, notBefore, notAfter, signatureAlgorithm, publicKeyLength }
Json certificate_info(const X509* certificate);
/// The attributes CN, O, OU, C, L, ST and E that are present, in this order, the first of each.
Json name_info(const X509_NAME* name);

}  // namespace hubseal::agent
