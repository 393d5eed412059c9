#include "hsm/cryptoki.h"

namespace hubseal::hsm {

Error Cryptoki::note(CK_RV value, std::string_view call) {
  Error error = to_error(value, call);
  const Cause cause = explain(value).cause;
  if (ends_generation(cause) && !lost_.exchange(true, std::memory_order_acq_rel))
    log::warning("token lost", {{"cause", std::string(to_string(cause))}, {"reason", error.message}});
  return error;
}

}  // namespace hubseal::hsm
