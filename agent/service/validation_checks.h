/// The single checks; validation.h puts them together. A certificate is not changed, but libcrypto notes in it what it
/// found out, hence no const.
#pragma once

#include "agent/service/validation.h"
#include "common/openssl.h"

namespace hubseal::agent {

Validation judge(std::string code, bool good, std::string message);
Validation not_available(std::string code, std::string_view why);

// Of a CSR, and of a certificate made from it.
Validation check_possession(const Csr& csr);
Validation check_csr_algorithm(const Csr& csr);
Validation check_csr_key(const Csr& csr, int rsa_bits);
Validation check_same_key(const Csr& csr, const X509* certificate);
/// CSR_CERT_PUBLIC_PRIVATE_KEY_MATCH where the hub holds the private key: the CSR's, in the token.
Validation check_hub_key(const Csr& csr, const X509* certificate);

// Of a certificate, or a key, alone.
Validation check_validity(const X509* certificate, TimePoint now);
Validation check_certificate_algorithm(const X509* certificate);
Validation check_certificate_key(const X509* certificate, int rsa_bits);
Validation check_server_usage(X509* certificate);
Validation check_jws_key(std::string_view pem);
/// What check_csr_key and check_certificate_key say: RSA is counted, EC known by its curve.
Validation check_key_length(std::string code, EVP_PKEY* key, int rsa_bits);
Validation check_signature_algorithm(std::string code, std::string_view what, int nid, const X509_ALGOR* algorithm);

// Of a CA, and of what it signed. Only the root is trusted, and it must have signed itself; everything between must
// lead there.
Validation check_root(const CaChain& ca, TimePoint now);
Validation check_chain(const CaChain& ca, TimePoint now);
Validation check_ca_usage(const CaChain& ca);
Validation check_leads_to_root(std::string code, X509* certificate, const CaChain& ca, TimePoint now);
/// CERTIFICATE_SIGNED_BY_DFSP_CA; not available while the DFSP told of no CA.
Validation check_signed_by(X509* certificate, const CaChain& dfsp_ca, TimePoint now);

}  // namespace hubseal::agent
