#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/service/caller.h"
#include "agent/service/certificate.h"
#include "agent/store/dfsp_ca_table.h"
#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent {

/// The CAs of the DFSPs, as they tell of them. Callers have made sure that the DFSP exists.
class DfspCas {
 public:
  using Ca = store::DfspCa;

  DfspCas(store::DfspCaTable& table, const Clock& clock) : table_(table), clock_(clock) {}

  Result<std::optional<Ca>> find(std::string_view dfsp_id) { return table_.find(dfsp_id); }
  /// Stores it with its verdicts, good or bad, in place of what was there; a repetition changes nothing.
  /// Errors: bad_request, too_large: a text that holds something else than certificates.
  Result<Ca> put(const Caller& caller, std::string_view dfsp_id, const std::string& root, const std::string& chain);
  /// What the DFSP's signatures are to be judged by; empty where it told of no CA.
  Result<CaChain> chain(std::string_view dfsp_id);

 private:
  store::DfspCaTable& table_;
  const Clock& clock_;
};

}  // namespace hubseal::agent
