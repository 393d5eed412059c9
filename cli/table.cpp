#include "cli/table.h"

#include <algorithm>

#include <fmt/format.h>

namespace hubseal::cli {
namespace {

/// Bytes of the UTF-8 sequence at the beginning of `text`; 1 where it is cut short, so that it hides no other byte.
std::size_t sequence_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  if (text.size() < length) return 1;
  for (const char c : text.substr(1, length - 1))
    if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) return 1;
  return length;
}

char32_t code_point(std::string_view sequence) {
  const auto lead = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) return lead;
  char32_t value = lead & (0xffu >> (sequence.size() + 1));
  for (const char c : sequence.substr(1)) value = (value << 6) | (static_cast<unsigned char>(c) & 0x3fu);
  return value;
}

bool steers_terminal(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) ||                                        // C0, DEL, C1
         c == 0x00ad || c == 0x061c || c == 0x180e || (c >= 0x200b && c <= 0x200f) ||  // of direction, or invisible
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
         (c >= 0xe0000 && c <= 0xe007f);
}

/// Columns on the screen, as far as counting code points tells.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::string display_text(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const char32_t c = code_point(text.substr(0, length));
    if (steers_terminal(c))
      shown += fmt::format("\\u{{{:x}}}", static_cast<std::uint32_t>(c));
    else
      shown += text.substr(0, length);
    text.remove_prefix(length);
  }
  return shown;
}

std::string counted(std::uint64_t count, std::string_view thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

Table::Table(std::vector<std::string> headings) { rows_.push_back(std::move(headings)); }

void Table::row(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = display_text(cell);
  cells.resize(rows_.front().size());
  rows_.push_back(std::move(cells));
}

std::string Table::render() const {
  std::vector<std::size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      line.append(widths[i] - width(row[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

std::string render_pairs(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::size_t widest = 0;
  for (const auto& [name, value] : pairs) widest = std::max(widest, width(name));
  std::string text;
  for (const auto& [name, value] : pairs) {
    text += name;
    if (!value.empty()) text.append(widest - width(name) + 2, ' ') += display_text(value);
    text += '\n';
  }
  return text;
}

}  // namespace hubseal::cli
