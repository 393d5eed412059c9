/// How two texts differ, line by line.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace hubseal::cli {

struct DiffLine {
  char mark = ' ';         ///< '-' of the first only, '+' of the second only, ' ' of both
  std::size_t number = 0;  ///< from 1; in the second text, in the first for '-'
  std::string_view text;   ///< with its line feed, where it has one
};

/// Every line of both, in order. Where they have too much that differs between the first and the last difference,
/// all of that is '-' and then '+'.
std::vector<DiffLine> diff_lines(std::string_view before, std::string_view after);

}  // namespace hubseal::cli
