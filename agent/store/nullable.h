/// std::optional to Poco::Nullable and back; internal to store/.
#pragma once

#include <optional>

#include <Poco/Nullable.h>

namespace hubseal::agent::store {

template <class T>
Poco::Nullable<T> to_nullable(const std::optional<T>& value) {
  if (!value) return {};
  return Poco::Nullable<T>(*value);
}

template <class T>
std::optional<T> to_optional(const Poco::Nullable<T>& value) {
  if (value.isNull()) return std::nullopt;
  return value.value();
}

}  // namespace hubseal::agent::store
