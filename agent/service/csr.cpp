#include "agent/service/csr.h"

#include <fmt/format.h>
#include <openssl/pem.h>

#include "agent/service/pem.h"
#include "common/bytes.h"
#include "common/x509/pem.h"

namespace hubseal::agent {
namespace {

constexpr std::string_view kLabel = "CERTIFICATE REQUEST";
// Far above what any profile accepts, and low enough that verifying costs nothing to speak of.
constexpr int kMaxKeyBits = 8192;

tl::unexpected<Error> refuse(std::string_view problem) {
  return fail(Code::bad_request, fmt::format("Invalid CSR: {}", problem));
}

}  // namespace

Result<Csr> Csr::parse(std::string_view pem) {
  if (pem.size() > kMaxCsrBytes)
    return fail(Code::too_large,
                fmt::format("the CSR has {} bytes, at most {} are accepted", pem.size(), kMaxCsrBytes));
  const Bytes der = TRY(der_of_block(pem, kLabel, "CSR"));
  if (der.size() > kMaxCsrDerBytes)
    return fail(Code::too_large,
                fmt::format("the CSR has {} bytes of DER, at most {} are accepted", der.size(), kMaxCsrDerBytes));
  const unsigned char* position = der.data();
  CsrPtr csr(d2i_X509_REQ(nullptr, &position, static_cast<long>(der.size())));
  drain_openssl_errors();
  if (!csr) return refuse("what stands in the PEM block is not a PKCS#10 request");
  if (position != der.data() + der.size())
    return refuse(fmt::format("{} bytes follow the request inside the PEM block", der.data() + der.size() - position));
  EVP_PKEY* key = X509_REQ_get0_pubkey(csr.get());
  drain_openssl_errors();
  if (!key) return refuse("its public key cannot be read; wanted RSA or EC");
  if (EVP_PKEY_get_bits(key) > kMaxKeyBits)
    return refuse(fmt::format("its key has {} bits, at most {} are accepted", EVP_PKEY_get_bits(key), kMaxKeyBits));
  return Csr(std::move(csr), key, x509::pem_of_der(der, kLabel));
}

bool Csr::signature_holds() const {
  if (!signature_holds_) {
    signature_holds_ = X509_REQ_verify(csr_.get(), key_) == 1;
    drain_openssl_errors();
  }
  return *signature_holds_;
}

}  // namespace hubseal::agent
