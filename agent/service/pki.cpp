#include "agent/service/pki.h"

#include <fmt/format.h>

#include "agent/service/signing_daemon.h"
#include "common/x509/pem.h"

namespace hubseal::agent {

Result<Bytes> Pki::certificate(std::string_view ca) {
  const auto found = TRY(daemon_.get_ca(ca));
  if (!found.active) return fail(Code::not_found, fmt::format("CA \"{}\" has no certificate yet", ca));
  return x509::der_of_pem(found.certificate, {"CERTIFICATE"});
}

Result<Bytes> Pki::crl(std::string_view ca) { return daemon_.get_crl(ca); }

}  // namespace hubseal::agent
