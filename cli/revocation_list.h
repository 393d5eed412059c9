#pragma once

#include <string>

#include "cli/session.h"

namespace hubseal::cli {

/// The newest CRL of a CA, put together from its parts: get_crl's answer with the PEM as `crl` in place of `der`.
/// Errors: hsm_busy when it was replaced meanwhile.
Result<Json> fetch_crl(const Session& session, const std::string& ca);

}  // namespace hubseal::cli
