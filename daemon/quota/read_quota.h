#pragma once

#include "common/fields.h"
#include "daemon/quota/quota.h"

namespace hubseal::daemon {

/// A table of policy.toml or of a profile. No limit must be said: what is forgotten must not mean that there is none.
/// Errors: bad_request.
Result<Quota> read_quota(Fields fields);

}  // namespace hubseal::daemon
