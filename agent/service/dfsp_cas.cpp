#include "agent/service/dfsp_cas.h"

#include <nlohmann/json.hpp>

#include "agent/service/validation.h"
#include "common/log.h"

namespace hubseal::agent {

Result<DfspCas::Ca> DfspCas::put(const Caller& caller, std::string_view dfsp_id, const std::string& root,
                                 const std::string& chain) {
  const CaChain parsed = TRY(CaChain::parse(root, chain));
  const auto validations = validate_ca(parsed, clock_.now());
  const Ca ca{root, chain, dump_json(to_json(validations)), std::string(to_string(overall(validations)))};
  if (TRY(table_.find(dfsp_id)) == ca) return ca;
  TRY(table_.put(dfsp_id, ca, clock_.now()));
  log::info("CA of a DFSP stored",
            {{"dfsp", std::string(dfsp_id)}, {"verdict", ca.validation_state}, {"correlation", caller.correlation_id}});
  return ca;
}

Result<CaChain> DfspCas::chain(std::string_view dfsp_id) {
  const auto ca = TRY(table_.find(dfsp_id));
  return ca ? CaChain::parse(ca->root_certificate, ca->intermediate_chain) : CaChain();
}

}  // namespace hubseal::agent
