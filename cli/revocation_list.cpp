#include "cli/revocation_list.h"

#include <nlohmann/json.hpp>

#include "common/bytes.h"
#include "common/x509/pem.h"

namespace hubseal::cli {

Result<Json> fetch_crl(const Session& session, const std::string& ca) {
  wire::DaemonClient daemon = session.client();  // one connection for all parts
  *session.operation = "get_crl";
  Json whole;
  Bytes der;
  while (true) {
    Json part = TRY(daemon.call("get_crl", {{"ca", ca}, {"offset", der.size()}}));
    if (!whole.is_null() && part["number"] != whole["number"])
      return fail(Code::hsm_busy, "the CRL was replaced while it was read");
    const Bytes chunk = TRY(from_base64(part["der"].get<std::string>()));
    der.insert(der.end(), chunk.begin(), chunk.end());
    if (whole.is_null()) whole = part;
    if (!part.contains("next")) break;
  }
  whole.erase("der");
  whole.erase("next");
  whole["crl"] = x509::pem_of_der(der, "X509 CRL");
  return whole;
}

}  // namespace hubseal::cli
