#pragma once

#include "agent/config.h"
#include "common/fields.h"

namespace hubseal::agent {

/// Section [publish]: where gateways find their bundles, and hub services the keys to verify with. Errors: bad_request.
Result<PublishConfig> read_publish(Fields fields);

}  // namespace hubseal::agent
