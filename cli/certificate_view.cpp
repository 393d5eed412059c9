#include "cli/certificate_view.h"

#include <array>

#include <fmt/format.h>

#include <openssl/pem.h>

#include "common/bytes.h"
#include "common/key_types.h"
#include "common/openssl.h"

namespace hubseal::cli {

Result<CertificateView> view_certificate(std::string_view pem) {
  const BioPtr input(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const CertificatePtr certificate(PEM_read_bio_X509(input.get(), nullptr, nullptr, nullptr));
  if (!certificate) return fail(Code::bad_request, "not a PEM certificate: " + drain_openssl_errors());
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (X509_digest(certificate.get(), EVP_sha256(), digest.data(), &length) != 1)
    return fail(Code::internal, "SHA-256 of a certificate: " + drain_openssl_errors());
  CertificateView view;
  for (unsigned i = 0; i < length; ++i) view.fingerprint += fmt::format("{}{:02X}", i ? ":" : "", digest[i]);
  view.key_id = to_string(TRY(key_id_of(X509_get0_pubkey(certificate.get()))));
  return view;
}

}  // namespace hubseal::cli
