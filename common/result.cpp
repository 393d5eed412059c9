#include "common/result.h"

namespace hubseal {

std::string_view to_string(Code code) {
  switch (code) {
    case Code::bad_request: return "bad_request";
    case Code::too_large: return "too_large";
    case Code::forbidden: return "forbidden";
    case Code::not_found: return "not_found";
    case Code::conflict: return "conflict";
    case Code::policy_denied: return "policy_denied";
    case Code::approval_required: return "approval_required";
    case Code::hsm_busy: return "hsm_busy";
    case Code::rate_limited: return "rate_limited";
    case Code::hsm_unavailable: return "hsm_unavailable";
    case Code::storage_unavailable: return "storage_unavailable";
    case Code::sealed: return "sealed";
    case Code::internal: return "internal";
  }
  return "internal";
}

}  // namespace hubseal
