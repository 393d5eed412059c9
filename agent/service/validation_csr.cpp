#include <fmt/format.h>

#include "agent/service/csr.h"
#include "agent/service/validation_checks.h"

namespace hubseal::agent {

Validation check_possession(const Csr& csr) {
  const bool holds = csr.signature_holds();
  return judge("CSR_SIGNATURE_VALID", holds,
               holds ? "The CSR is signed with its own key."
                     : "The CSR's signature does not match its own public key; wanted a CSR signed with the private "
                       "half of the key in it.");
}

Validation check_csr_algorithm(const Csr& csr) {
  const X509_ALGOR* algorithm = nullptr;
  X509_REQ_get0_signature(csr.get(), nullptr, &algorithm);
  return check_signature_algorithm("CSR_SIGNATURE_ALGORITHM", "CSR", X509_REQ_get_signature_nid(csr.get()), algorithm);
}

Validation check_csr_key(const Csr& csr, int rsa_bits) {
  return check_key_length(fmt::format("CSR_PUBLIC_KEY_LENGTH_{}", rsa_bits), csr.key(), rsa_bits);
}

Validation check_same_key(const Csr& csr, const X509* certificate) {
  const bool same = EVP_PKEY_eq(csr.key(), X509_get0_pubkey(certificate)) == 1;
  return judge("CSR_CERT_SAME_PUBLIC_KEY", same,
               same ? "CSR and certificate hold the same public key."
                    : "CSR and certificate hold different public keys; wanted the CSR's key in the certificate.");
}

Validation check_hub_key(const Csr& csr, const X509* certificate) {
  const bool same = EVP_PKEY_eq(csr.key(), X509_get0_pubkey(certificate)) == 1;
  return judge("CSR_CERT_PUBLIC_PRIVATE_KEY_MATCH", same,
               same ? "The certificate belongs to the private key that the hub holds in its HSM."
                    : "The certificate belongs to another key; wanted the one that signed the CSR, which the hub holds "
                      "in its HSM.");
}

}  // namespace hubseal::agent
