/// Certificates that participants send: parsed, not yet judged.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "common/openssl.h"
#include "common/result.h"

namespace hubseal::agent {

constexpr std::size_t kMaxCertificateBytes = 32 * 1024;  ///< of the text of one
constexpr std::size_t kMaxChainBytes = 64 * 1024;        ///< of the text of several
constexpr std::size_t kMaxChainCertificates = 16;

/// One certificate (RFC 5280).
/// Threads: of one thread; libcrypto notes in it what it found out.
class Certificate {
 public:
  /// One PEM block "CERTIFICATE" and white space around it; line ends of any kind.
  /// Errors: bad_request, saying what was found (also: a key that cannot be read or has too many bits); too_large.
  static Result<Certificate> parse(std::string_view pem);

  X509* get() const { return certificate_.get(); }
  EVP_PKEY* key() const { return X509_get0_pubkey(certificate_.get()); }

 private:
  explicit Certificate(CertificatePtr certificate) : certificate_(std::move(certificate)) {}

  CertificatePtr certificate_;
};

/// As many as stand in `pem`, kMaxChainCertificates at most, or none. `what` names the text in messages: "chain".
/// Errors: as Certificate::parse.
Result<std::vector<Certificate>> parse_certificates(std::string_view pem, std::string_view what);

/// A CA as a participant tells of it: its root, and what leads from its certificates up to the root, the lowest first.
struct CaChain {
  /// Either text may be empty. Errors: as Certificate::parse, naming the text that is wrong.
  static Result<CaChain> parse(std::string_view root, std::string_view intermediates);

  bool empty() const { return !root && intermediates.empty(); }

  std::optional<Certificate> root;
  std::vector<Certificate> intermediates;
};

}  // namespace hubseal::agent
