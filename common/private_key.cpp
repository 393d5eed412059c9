#include "common/private_key.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/log.h"

namespace hubseal {
namespace {

bool is_private_key(const std::string& text) { return text.find("PRIVATE KEY-----") != std::string::npos; }

}  // namespace

std::optional<std::string> private_key_in(const Json& value) {
  if (value.is_string() && is_private_key(value.get_ref<const std::string&>())) return "";
  if (value.is_object())
    for (const auto& [name, item] : value.items()) {
      if (name == "privateKey") return ".privateKey";
      if (is_private_key(name)) return "";
      if (const auto below = private_key_in(item)) return fmt::format(".{}{}", log::printable(name, 64), *below);
    }
  if (value.is_array())
    for (std::size_t i = 0; i < value.size(); ++i)
      if (const auto below = private_key_in(value[i])) return fmt::format("[{}]{}", i, *below);
  return std::nullopt;
}

}  // namespace hubseal
