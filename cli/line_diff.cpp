#include "cli/line_diff.h"

#include <algorithm>
#include <cstdint>

namespace hubseal::cli {
namespace {

using Lines = std::vector<std::string_view>;

// Of the table below: 16 MiB, and some 20 ms.
constexpr std::size_t kMostCells = 4 << 20;

Lines split(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end == std::string_view::npos ? end : end + 1));
    text.remove_prefix(lines.back().size());
  }
  return lines;
}

/// Lines that are the same in both at the beginning and at the end need no search.
struct Middle {
  std::size_t first = 0, old_end = 0, new_end = 0;
};

Middle middle_of(const Lines& before, const Lines& after) {
  Middle middle{.first = 0, .old_end = before.size(), .new_end = after.size()};
  while (middle.first < std::min(before.size(), after.size()) && before[middle.first] == after[middle.first])
    ++middle.first;
  while (middle.old_end > middle.first && middle.new_end > middle.first &&
         before[middle.old_end - 1] == after[middle.new_end - 1])
    --middle.old_end, --middle.new_end;
  return middle;
}

/// For each pair of places in the middle, how many lines the two texts have in common from there on (longest common
/// subsequence); 0 for all where that is too much to work out.
class Common {
 public:
  Common(const Lines& before, const Lines& after, const Middle& middle)
      : middle_(middle), width_(middle.new_end - middle.first + 1) {
    const std::size_t height = middle.old_end - middle.first + 1;
    if (height > kMostCells / width_) return;
    cells_.resize(height * width_);
    for (std::size_t i = middle.old_end; i-- > middle.first;)
      for (std::size_t j = middle.new_end; j-- > middle.first;)
        cells_[place(i, j)] = before[i] == after[j] ? at(i + 1, j + 1) + 1 : std::max(at(i + 1, j), at(i, j + 1));
  }
  std::uint32_t at(std::size_t i, std::size_t j) const { return cells_.empty() ? 0 : cells_[place(i, j)]; }

 private:
  std::size_t place(std::size_t i, std::size_t j) const { return (i - middle_.first) * width_ + (j - middle_.first); }

  Middle middle_;
  std::size_t width_;
  std::vector<std::uint32_t> cells_;
};

}  // namespace

std::vector<DiffLine> diff_lines(std::string_view before, std::string_view after) {
  const Lines old_lines = split(before);
  const Lines new_lines = split(after);
  const Middle middle = middle_of(old_lines, new_lines);
  const Common common(old_lines, new_lines, middle);
  std::vector<DiffLine> lines;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < old_lines.size() || j < new_lines.size()) {
    const bool inside = i < middle.old_end || j < middle.new_end;
    if (i < middle.first || !inside || (common.at(i, j) > 0 && old_lines[i] == new_lines[j])) {
      lines.push_back({' ', ++j, old_lines[i++]});
    } else if (i < middle.old_end && (j == middle.new_end || common.at(i + 1, j) >= common.at(i, j + 1))) {
      lines.push_back({'-', i + 1, old_lines[i]});
      ++i;
    } else {
      lines.push_back({'+', j + 1, new_lines[j]});
      ++j;
    }
  }
  return lines;
}

}  // namespace hubseal::cli
