#pragma once

#include <charconv>
#include <concepts>
#include <limits>
#include <optional>
#include <string_view>

namespace hubseal {

/// The number that `text` is as a whole, in decimal digits. Nothing for any other text: an empty one, one with a space,
/// a "+" or something behind the digits, and a number that is not from `least` to `most`. A "-" is for signed types
/// alone.
template <std::integral T>
std::optional<T> parse_number(std::string_view text, T least = std::numeric_limits<T>::min(),
                              T most = std::numeric_limits<T>::max()) {
  T number{};
  const char* const end = text.data() + text.size();
  const auto [rest, problem] = std::from_chars(text.data(), end, number);
  if (problem != std::errc() || rest != end || number < least || number > most) return std::nullopt;
  return number;
}

}  // namespace hubseal
