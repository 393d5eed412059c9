#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "agent/http/message.h"
#include "common/result.h"

namespace hubseal::agent::http {

constexpr std::size_t kMaxHeaderBytes = 16 * 1024;

/// What stands before the body.
struct HeaderBlock {
  Incoming request;  ///< without its body
  bool keep_alive = false;
  bool expects_continue = false;
  bool chunked = false;
  std::size_t content_length = 0;
};

/// Parses a request line and headers, up to and with the empty line that is the end of `text`.
/// Errors: bad_request, among others whatever two servers in a row could frame differently (two
/// lengths, a length beside chunks, white space around a name, lines that end with LF alone, an empty
/// line before the end): that is how requests are smuggled.
Result<HeaderBlock> parse_header_block(const std::string& text);

}  // namespace hubseal::agent::http
