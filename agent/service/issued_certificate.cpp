#include "agent/service/issued_certificate.h"

#include <openssl/pem.h>

namespace hubseal::agent {

Result<IssuedCertificate> IssuedCertificate::parse(std::string_view pem) {
  const BioPtr input(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  CertificatePtr certificate(input ? PEM_read_bio_X509(input.get(), nullptr, nullptr, nullptr) : nullptr);
  if (!certificate || !X509_get0_pubkey(certificate.get()))
    return fail(Code::internal, "the signing daemon's answer holds no certificate: " + drain_openssl_errors());
  std::string text(pem);
  while (text.ends_with('\n')) text.pop_back();
  return IssuedCertificate(std::move(certificate), std::move(text));
}

}  // namespace hubseal::agent
