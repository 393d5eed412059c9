// Any bytes as a certificate, in DER and as PEM. What is accepted comes out byte for byte as it went in.
#include "common/x509/certificate.h"
#include "common/x509/pem.h"
#include "daemon/ca/prepare.h"
#include "tests/fuzz/fuzz.h"

using namespace hubseal;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  if (const auto der = x509::der_of_pem(text_of(data, size), {"CERTIFICATE"})) (void)x509::Certificate::parse_der(*der);
  const auto certificate = x509::Certificate::parse_der(input);
  if (!certificate) return 0;
  MUST_HOLD(std::equal(input.begin(), input.end(), certificate->der().begin(), certificate->der().end()));
  MUST_HOLD(certificate->serial().magnitude().size() <= 20);
  (void)certificate->subject();
  (void)certificate->subject_name();
  (void)certificate->verify(certificate->public_key());
  const auto issuer = ca::Issuer::of(*certificate);
  MUST_HOLD(!issuer || certificate->is_ca());
  return 0;
}
