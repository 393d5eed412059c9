#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hubseal {

/// How many slips make one word of the other: a character too many, too few, another, or two exchanged (optimal string
/// alignment). A large number for words that are long.
std::size_t slips(std::string_view a, std::string_view b);

/// The one of `names` that was meant: the nearest, where it is near. Empty otherwise.
std::string nearest_name(std::string_view found, const std::vector<std::string>& names);

}  // namespace hubseal
