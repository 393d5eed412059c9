#include "agent/service/csr.h"

#include <fmt/format.h>
#include <openssl/pem.h>

#include "common/bytes.h"
#include "common/log.h"

namespace hubseal::agent {
namespace {

constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE REQUEST-----";
constexpr std::string_view kEnd = "-----END CERTIFICATE REQUEST-----";
constexpr std::string_view kWhiteSpace = " \t\r\n";
// Far above what any profile accepts, and low enough that verifying costs nothing to speak of.
constexpr int kMaxKeyBits = 8192;

tl::unexpected<Error> refuse(std::string_view problem) {
  return fail(Code::bad_request, fmt::format("Invalid CSR: {}", problem));
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kWhiteSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
}

/// The DER in the one block that `pem` must be.
Result<Bytes> unwrap(std::string_view pem) {
  const std::string_view block = trimmed(pem);
  if (!block.starts_with(kBegin))
    return refuse(fmt::format("it begins with \"{}\"; wanted {}", log::printable(block, 40), kBegin));
  const std::string_view body = block.substr(kBegin.size());
  const std::size_t end = body.find(kEnd);
  if (end == std::string_view::npos) return refuse(fmt::format("the line {} is missing", kEnd));
  if (end + kEnd.size() != body.size())
    return refuse("something follows the block; wanted one PEM block and nothing else");
  std::string base64;
  for (const char c : body.substr(0, end))
    if (kWhiteSpace.find(c) == std::string_view::npos) base64 += c;
  auto der = from_base64(base64);
  if (!der) return refuse("what stands in the PEM block is not base64");
  return der;
}

std::string wrap(ByteView der) {
  std::string text(kBegin);
  const std::string base64 = to_base64(der);
  for (std::size_t at = 0; at < base64.size(); at += 64) text.append("\n").append(base64, at, 64);
  return text.append("\n").append(kEnd).append("\n");
}

}  // namespace

Result<Csr> Csr::parse(std::string_view pem) {
  if (pem.size() > kMaxCsrBytes)
    return fail(Code::too_large,
                fmt::format("the CSR has {} bytes, at most {} are accepted", pem.size(), kMaxCsrBytes));
  const Bytes der = TRY(unwrap(pem));
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
  return Csr(std::move(csr), key, wrap(der));
}

bool Csr::signature_holds() const {
  const bool holds = X509_REQ_verify(csr_.get(), key_) == 1;
  drain_openssl_errors();
  return holds;
}

}  // namespace hubseal::agent
