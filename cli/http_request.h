#pragma once

#include <optional>
#include <string_view>

#include "common/jose/fspiop_signature.h"

namespace hubseal::cli {

/// An HTTP/1.1 request as it travels (RFC 9112): the request line, headers, an empty line, the body. Lines end in CRLF
/// or LF; all that comes after the empty line is the body, byte for byte. `text` must outlive the answer. Errors:
/// bad_request: something else, folded lines, control characters, a chunked body, one that has not its Content-Length.
Result<jose::SignedRequest> parse_http_request(std::string_view text);

}  // namespace hubseal::cli
