#include "hsm/cryptoki.h"

namespace hubseal::hsm {

Error Cryptoki::note(CK_RV value, std::string_view call) {
  Error error = to_error(value, call);
  const Cause cause = explain(value).cause;
  Cause nothing = Cause::caller;
  if (ends_generation(cause) && ended_by_.compare_exchange_strong(nothing, cause, std::memory_order_acq_rel))
    log::warning("token lost", {{"cause", std::string(to_string(cause))}, {"reason", error.message}});
  return error;
}

}  // namespace hubseal::hsm
