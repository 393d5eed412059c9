#include "agent/mcm/report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hubseal::agent::mcm {
namespace {

Json to_json(const std::vector<Report::Line>& lines, const char* what) {
  Json list = Json::array();
  for (const Report::Line& line : lines) list.push_back({{"where", line.where}, {what, line.what}});
  return list;
}

/// Names come from the dump: none of them starts a line or moves the cursor.
std::string on_one_line(std::string_view text) {
  std::string line;
  for (const char c : text)
    line += c >= ' ' && c <= '~' ? std::string(1, c) : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return line;
}

std::string to_text(const std::vector<Report::Line>& lines, std::string_view heading) {
  std::string text = fmt::format("\n{}: {}\n", heading, lines.size());
  for (const Report::Line& line : lines)
    text += fmt::format("  {}: {}\n", on_one_line(line.where), on_one_line(line.what));
  return text;
}

}  // namespace

Json to_json(const Report& report) {
  Json stored = Json::object();
  for (const auto& [kind, count] : report.stored) stored[kind] = count;
  return {{"stored", std::move(stored)},
          {"left_out", to_json(report.left_out, "reason")},
          {"changed", to_json(report.changed, "change")},
          {"private_keys", to_json(report.private_keys, "kind")}};
}

std::string to_text(const Report& report) {
  std::string text = "stored\n";
  for (const auto& [kind, count] : report.stored) text += fmt::format("  {:<40} {:>8}\n", kind, count);
  return text + to_text(report.changed, "stored otherwise than it was") + to_text(report.left_out, "left out") +
         to_text(report.private_keys, "private keys and secrets, none of which is stored");
}

}  // namespace hubseal::agent::mcm
