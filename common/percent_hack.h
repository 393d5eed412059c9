#pragma once
#include <string>
#include <string_view>
namespace hubseal {
std::string percent_encoded(std::string_view text);
}
