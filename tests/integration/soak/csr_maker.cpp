#include "tests/integration/soak/csr_maker.h"

#include <stdexcept>

#include <openssl/pem.h>

#include "common/openssl.h"

namespace hubseal::test {

std::string make_csr() {
  const PkeyPtr key(EVP_EC_gen("P-256"));
  const CsrPtr csr(X509_REQ_new());
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (!key || !csr || X509_REQ_set_version(csr.get(), 0) != 1 || X509_REQ_set_pubkey(csr.get(), key.get()) != 1 ||
      X509_REQ_sign(csr.get(), key.get(), EVP_sha256()) <= 0 || PEM_write_bio_X509_REQ(out.get(), csr.get()) != 1)
    throw std::runtime_error("no CSR: " + drain_openssl_errors());
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

}  // namespace hubseal::test
