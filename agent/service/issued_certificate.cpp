#include "agent/service/issued_certificate.h"

#include <openssl/pem.h>

#include "agent/service/certificate.h"

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

Result<x509::Serial> serial_of(const Certificate& certificate) {
  const ASN1_INTEGER* const number = X509_get0_serialNumber(certificate.get());
  if (ASN1_STRING_type(number) == V_ASN1_NEG_INTEGER) return fail(Code::bad_request, "a negative serial number");
  return x509::Serial::of({ASN1_STRING_get0_data(number), static_cast<std::size_t>(ASN1_STRING_length(number))});
}

Result<std::optional<SigningDaemon::IssuedRecord>> issued_record(SigningDaemon& daemon, const std::string& ca,
                                                                 const Certificate& certificate) {
  const auto serial = serial_of(certificate);
  if (!serial) return std::nullopt;
  auto record = daemon.get_certificate(ca, serial->hex());
  if (!record && record.error().code == Code::not_found) return std::nullopt;
  const auto issued = Certificate::parse(TRY(record).certificate);
  if (!issued || X509_cmp(issued->get(), certificate.get()) != 0) return std::nullopt;
  return *std::move(record);
}

}  // namespace hubseal::agent
