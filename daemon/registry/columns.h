/// How values of ours stand in columns of the registry.
#pragma once

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "common/bytes.h"
#include "common/clock.h"
#include "common/key_types.h"
#include "common/result.h"

namespace hubseal::daemon {

/// Times are seconds since 1970, UTC.
inline std::int64_t seconds(TimePoint time) { return time.time_since_epoch().count(); }
inline TimePoint time_from(std::int64_t seconds) { return TimePoint(std::chrono::seconds(seconds)); }

inline KeyId key_id_from(const Bytes& bytes) {
  KeyId id{};
  std::copy_n(bytes.begin(), std::min(bytes.size(), id.size()), id.begin());
  return id;
}

/// Enumerators are stored as the words of their table of {word, value} pairs.
template <class Table>
auto word_to_value(const Table& table, const std::string& word)
    -> Result<std::remove_cvref_t<decltype(table[0].second)>> {
  for (const auto& [name, value] : table)
    if (name == word) return value;
  return fail(Code::internal, fmt::format("registry holds the unknown word \"{}\"", word));
}

}  // namespace hubseal::daemon
