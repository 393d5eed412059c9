#include "agent/service/dfsp_server_certs.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/service/certificate.h"
#include "common/log.h"

namespace hubseal::agent {

Result<DfspServerCerts::ServerCert> DfspServerCerts::get(std::string_view dfsp_id) {
  auto found = TRY(table_.find(dfsp_id));
  if (found) return *std::move(found);
  return fail(Code::not_found, fmt::format("DFSP {} has no server certificate", dfsp_id));
}

Result<DfspServerCerts::ServerCert> DfspServerCerts::put(const Caller& caller, ServerCert wanted) {
  const auto certificate = Certificate::parse(wanted.server_certificate);
  if (!certificate)
    return fail(certificate.error().code, fmt::format("serverCertificate: {}", certificate.error().message));
  const CaChain ca = TRY(CaChain::parse(wanted.root_certificate.value_or(""), wanted.intermediate_chain.value_or("")));
  const auto validations = validate_server_certificate(*certificate, ca, rules_, clock_.now());
  wanted.validations_json = dump_json(to_json(validations));
  wanted.validation_state = to_string(overall(validations));
  if (TRY(table_.find(wanted.dfsp_id)) == wanted) return wanted;
  TRY(table_.put(wanted, clock_.now()));
  log::info("server certificate of a DFSP stored",
            {{"dfsp", wanted.dfsp_id}, {"verdict", wanted.validation_state}, {"correlation", caller.correlation_id}});
  return wanted;
}

Result<> DfspServerCerts::remove(const Caller& caller, std::string_view dfsp_id) {
  TRY(table_.remove(dfsp_id));
  log::info("server certificate of a DFSP removed",
            {{"dfsp", std::string(dfsp_id)}, {"correlation", caller.correlation_id}});
  return {};
}

}  // namespace hubseal::agent
