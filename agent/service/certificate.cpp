#include "agent/service/certificate.h"

#include <fmt/format.h>

#include "agent/service/pem.h"

namespace hubseal::agent {
namespace {

constexpr std::size_t kMaxDerBytes = 16 * 1024;
// Low enough that a whole chain of such keys is verified in no time to speak of.
constexpr int kMaxKeyBits = 8192;

tl::unexpected<Error> refuse(std::string_view problem) {
  return fail(Code::bad_request, fmt::format("Invalid certificate: {}", problem));
}

template <class T>
Result<T> named(std::string_view member, Result<T> parsed) {
  if (parsed) return parsed;
  return fail(parsed.error().code, fmt::format("{}: {}", member, parsed.error().message));
}

}  // namespace

Result<Certificate> Certificate::parse(std::string_view pem) {
  if (pem.size() > kMaxCertificateBytes)
    return fail(Code::too_large,
                fmt::format("the certificate has {} bytes, at most {} are accepted", pem.size(), kMaxCertificateBytes));
  const Bytes der = TRY(der_of_block(pem, "CERTIFICATE", "certificate"));
  if (der.size() > kMaxDerBytes)
    return fail(Code::too_large,
                fmt::format("the certificate has {} bytes of DER, at most {} are accepted", der.size(), kMaxDerBytes));
  const unsigned char* position = der.data();
  CertificatePtr certificate(d2i_X509(nullptr, &position, static_cast<long>(der.size())));
  drain_openssl_errors();
  if (!certificate) return refuse("what stands in the PEM block is not an X.509 certificate");
  if (position != der.data() + der.size())
    return refuse(
        fmt::format("{} bytes follow the certificate inside the PEM block", der.data() + der.size() - position));
  const EVP_PKEY* key = X509_get0_pubkey(certificate.get());
  drain_openssl_errors();
  if (!key) return refuse("its public key cannot be read; wanted RSA or EC");
  if (EVP_PKEY_get_bits(key) > kMaxKeyBits)
    return refuse(fmt::format("its key has {} bits, at most {} are accepted", EVP_PKEY_get_bits(key), kMaxKeyBits));
  return Certificate(std::move(certificate));
}

Result<std::vector<Certificate>> parse_certificates(std::string_view pem, std::string_view what) {
  if (pem.size() > kMaxChainBytes)
    return fail(Code::too_large,
                fmt::format("the {} has {} bytes, at most {} are accepted", what, pem.size(), kMaxChainBytes));
  std::vector<Certificate> certificates;
  for (const std::string_view block : TRY(split_blocks(pem, what, kMaxChainCertificates)))
    certificates.push_back(TRY(Certificate::parse(block)));
  return certificates;
}

Result<CaChain> CaChain::parse(std::string_view root, std::string_view intermediates) {
  CaChain chain;
  if (!root.empty()) chain.root = TRY(named("rootCertificate", Certificate::parse(root)));
  chain.intermediates = TRY(named("intermediateChain", parse_certificates(intermediates, "chain")));
  return chain;
}

}  // namespace hubseal::agent
