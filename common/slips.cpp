#include "common/slips.h"

#include <algorithm>
#include <utility>

namespace hubseal {
namespace {

constexpr std::size_t kLongestCompared = 64;

}  // namespace

std::size_t slips(std::string_view a, std::string_view b) {
  if (std::max(a.size(), b.size()) > kLongestCompared) return kLongestCompared;
  std::vector<std::size_t> before, last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = std::exchange(last, row);
  }
  return last[b.size()];
}

std::string nearest_name(std::string_view found, const std::vector<std::string>& names) {
  const auto nearest = std::min_element(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
    return slips(found, a) < slips(found, b);
  });
  return nearest != names.end() && slips(found, *nearest) <= nearest->size() / 3 ? *nearest : std::string();
}

}  // namespace hubseal
