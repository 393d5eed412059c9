#include "common/exit_code.h"

namespace hubseal {

ExitCode exit_code_of(Code code) {
  switch (code) {
    case Code::bad_request:
    case Code::too_large: return ExitCode::usage;
    case Code::forbidden:
    case Code::not_found:
    case Code::conflict:
    case Code::policy_denied: return ExitCode::refused;
    case Code::approval_required: return ExitCode::approval_required;
    case Code::hsm_busy:
    case Code::rate_limited:
    case Code::hsm_unavailable:
    case Code::storage_unavailable:
    case Code::sealed: return ExitCode::unavailable;
    case Code::internal: return ExitCode::internal;
  }
  return ExitCode::internal;
}

}  // namespace hubseal
