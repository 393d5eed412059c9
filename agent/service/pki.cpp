#include "agent/service/pki.h"

#include <fmt/format.h>

#include "agent/service/signing_daemon.h"
#include "common/x509/pem.h"

namespace hubseal::agent {

Result<Bytes> Pki::certificate(std::string_view ca) {
  const auto found = TRY(daemon_.get_ca(ca));
  if (found.certificate.empty())
    return fail(Code::not_found, fmt::format("CA \"{}\" has no certificate that anybody should trust", ca));
  return x509::der_of_pem(found.certificate, {"CERTIFICATE"});
}

Result<Bytes> Pki::crl(std::string_view ca) { return daemon_.get_crl(ca); }

Result<std::vector<Bytes>> Pki::crls() {
  std::vector<Bytes> all;
  for (const std::string& ca : TRY(daemon_.offer()).cas) {
    auto list = crl(ca);
    if (list)
      all.push_back(*std::move(list));
    else if (list.error().code != Code::not_found)  // it waits for its certificate
      return tl::unexpected(list.error());
  }
  return all;
}

Result<std::string> Pki::trust_bundle() { return TRY(daemon_.get_trust_bundle()).anchors; }

Result<std::string> Pki::intermediates() { return TRY(daemon_.get_trust_bundle()).intermediates; }

Result<Bytes> Pki::ocsp(ByteView request) {
  static constexpr std::size_t kMaxRequest = 4096;
  static constexpr std::uint8_t kMalformed[] = {0x30, 3, 0x0a, 1, 1};  // malformedRequest (RFC 6960 section 4.2.1)
  if (request.empty() || request.size() > kMaxRequest) return Bytes(std::begin(kMalformed), std::end(kMalformed));
  return daemon_.get_ocsp(request);
}

}  // namespace hubseal::agent
