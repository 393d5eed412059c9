#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

namespace hubseal::agent::store {

constexpr int kMaxPageRows = 1000;
constexpr int kMaxPageOffset = 1'000'000'000;

/// The piece of a list that somebody asks for; as it stands here, all of it.
struct Page {
  int offset = 0;            ///< how many come before it, at most kMaxPageOffset
  std::optional<int> limit;  ///< how many it has at most, 1 to kMaxPageRows

  template <class T>
  std::vector<T> of(std::vector<T> rows) const {
    const auto begin = rows.begin() + std::min<std::ptrdiff_t>(offset, std::ssize(rows));
    rows.erase(rows.begin(), begin);
    if (limit && rows.size() > static_cast<std::size_t>(*limit)) rows.resize(static_cast<std::size_t>(*limit));
    return rows;
  }
};

}  // namespace hubseal::agent::store
