#pragma once

#include <string>
#include <string_view>

#include "common/json.h"
#include "common/result.h"

namespace hubseal::cli {

/// The `subject` object of create_ca and create_csr from a distinguished name as people write it:
/// "CN=Example Hub Root CA,O=Example Hub,C=KE" (RFC 4514; the order is the daemon's business).
/// A comma within a value is written "\,". Knows CN, O, OU, L, ST and C; each at most once.
/// Values are held to the daemon's rules (x509::check_attribute). Errors: bad_request, naming the part that is wrong.
Result<Json> parse_subject(std::string_view text);

}  // namespace hubseal::cli
