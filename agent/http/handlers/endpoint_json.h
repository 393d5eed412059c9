/// What the two kinds of endpoint routes share: endpoint values in bodies.
#pragma once

#include "agent/http/schema.h"
#include "agent/service/endpoint_values.h"

namespace hubseal::agent::http {

/// Members of an address with its ports, and of a URL.
const Schema& ip_members();
const Schema& url_members();

/// Of a body that the schema let through.
IpEntry ip_entry(const Json& value);

}  // namespace hubseal::agent::http
