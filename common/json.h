/// Strict JSON in, JSON out. nlohmann-json does the work; this header only names it, so that the
/// large header is read where JSON is built or taken apart and nowhere else.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "common/result.h"

namespace hubseal {

using Json = nlohmann::ordered_json;

/// What a text may be made of before it is refused.
struct JsonLimits {
  std::size_t max_depth = 6;       ///< nested objects and arrays
  std::size_t max_members = 256;   ///< of one object, and elements of one array
  std::size_t max_values = 16384;  ///< in all: an empty object of two bytes takes thirty times as much memory
  bool allow_fractions = false;    ///< numbers that are not 64-bit integers
};

/// The one JSON value that `text` is (RFC 8259). Refuses, beyond bad syntax and bad UTF-8: repeated
/// names in an object (the library alone would let the last one win), trailing bytes, whatever
/// exceeds `limits`.
Result<Json> parse_json(std::string_view text, const JsonLimits& limits = {});

/// Compact, one line, UTF-8; bytes that are not UTF-8 become U+FFFD.
std::string dump_json(const Json& value);

}  // namespace hubseal
