/// Text for people: aligned columns, and nothing that could steer their terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hubseal::cli {

/// `text` with control characters and the marks that reorder a line (bidirectional overrides)
/// written as \u{..}: names come out of CSRs, and a name must not be able to draw on the screen.
std::string display_text(std::string_view text);

/// "1 root", "2 roots".
std::string counted(std::uint64_t count, std::string_view thing);

/// Columns under headings, two spaces apart, as wide as their widest cell.
class Table {
 public:
  explicit Table(std::vector<std::string> headings);
  /// Fewer cells than headings leave the rest of the row empty.
  void row(std::vector<std::string> cells);
  bool empty() const { return rows_.size() == 1; }
  std::string render() const;

 private:
  std::vector<std::vector<std::string>> rows_;  // the first one holds the headings
};

/// "name   value" lines, values aligned.
std::string render_pairs(const std::vector<std::pair<std::string, std::string>>& pairs);

}  // namespace hubseal::cli
