#pragma once

#include "agent/publish/publisher.h"
#include "common/fields.h"

namespace hubseal::agent {

/// Section [publish]: where gateways find their bundles. Errors: bad_request.
Result<publish::Target> read_publish(Fields fields);

}  // namespace hubseal::agent
