/// PEM as clients send it: lines of any length and line ends of any kind, white space around the blocks, and nothing
/// else. `what` names the thing in messages: "CSR".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/result.h"

namespace hubseal::agent {

/// The DER in the one block with this label that `pem` must be. Errors: bad_request.
Result<Bytes> der_of_block(std::string_view pem, std::string_view label, std::string_view what);

/// The blocks that `pem` consists of, each of which is for der_of_block; none in a text of white space alone.
/// Errors: bad_request; too_large: more than `max_blocks`.
Result<std::vector<std::string_view>> split_blocks(std::string_view pem, std::string_view what, std::size_t max_blocks);
/// The same as clients know them: without a final line end.
Result<std::vector<std::string>> blocks_of(std::string_view pem, std::string_view what, std::size_t max_blocks);

}  // namespace hubseal::agent
