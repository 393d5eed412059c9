/// Byte strings and their textual forms (hex, base64, base64url).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace hubseal {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// Lower-case hexadecimal, two digits a byte.
std::string to_hex(ByteView bytes);
/// Accepts both cases; refuses odd lengths and anything else.
Result<Bytes> from_hex(std::string_view text);

/// RFC 4648 section 4, padded, no line breaks.
std::string to_base64(ByteView bytes);
/// Strict inverse of to_base64: padding required, no white space, unused bits zero.
Result<Bytes> from_base64(std::string_view text);

/// RFC 4648 section 5 without padding, as RFC 7515 section 2 wants it.
std::string to_base64url(ByteView bytes);
/// Strict inverse of to_base64url: no padding, no white space, unused bits zero.
Result<Bytes> from_base64url(std::string_view text);
/// Whether from_base64url would accept `text`, without decoding it.
bool is_base64url(std::string_view text);

/// `text` with every byte escaped ("%2F") but RFC 3986's unreserved characters, so that it can stand anywhere in a URI
/// or a form.
std::string percent_encoded(std::string_view text);

}  // namespace hubseal
