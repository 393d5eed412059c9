#pragma once

#include "agent/http/schema.h"
#include "agent/service/jws_keys.h"
#include "common/json.h"

namespace hubseal::agent::http {

/// A key as clients know it.
Answer ok_jws_key(const store::JwsKey& key);
/// The body in which a key is sent.
Schema jws_key_schema();

}  // namespace hubseal::agent::http
