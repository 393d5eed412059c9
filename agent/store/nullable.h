/// std::optional to Poco::Nullable and back; internal to store/.
#pragma once

#include <optional>
#include <string>

#include <Poco/Nullable.h>

namespace hubseal::agent::store {

inline Poco::Nullable<std::string> to_nullable(const std::optional<std::string>& text) {
  if (!text) return {};
  return Poco::Nullable<std::string>(*text);
}

inline std::optional<std::string> to_optional(const Poco::Nullable<std::string>& text) {
  if (text.isNull()) return std::nullopt;
  return text.value();
}

}  // namespace hubseal::agent::store
