#include "tests/integration/soak/status.h"

#include <openssl/ocsp.h>

#include "common/bytes.h"
#include "common/openssl.h"
#include "common/x509/certificate.h"
#include "tests/support/must.h"

namespace hubseal::test {

std::string ocsp_request(const std::string& ca_pem, const std::string& serial, bool with_nonce) {
  const auto ca = must(x509::Certificate::parse(ca_pem));
  BIGNUM* number = nullptr;
  BN_hex2bn(&number, serial.c_str());
  const BignumPtr owned(number);
  const std::unique_ptr<ASN1_INTEGER, Deleter<ASN1_INTEGER_free>> integer(BN_to_ASN1_INTEGER(number, nullptr));
  const std::unique_ptr<OCSP_REQUEST, Deleter<OCSP_REQUEST_free>> request(OCSP_REQUEST_new());
  OCSP_request_add0_id(request.get(), OCSP_cert_id_new(EVP_sha1(), X509_get_subject_name(ca.openssl()),
                                                       X509_get0_pubkey_bitstr(ca.openssl()), integer.get()));
  if (with_nonce) OCSP_request_add1_nonce(request.get(), nullptr, 16);
  Bytes der(static_cast<std::size_t>(i2d_OCSP_REQUEST(request.get(), nullptr)));
  unsigned char* next = der.data();
  i2d_OCSP_REQUEST(request.get(), &next);
  return to_base64(der);
}

}  // namespace hubseal::test
