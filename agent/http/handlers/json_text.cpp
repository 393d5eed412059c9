#include "agent/http/handlers/json_text.h"

#include <array>
#include <stdexcept>

#include <nlohmann/json.hpp>

namespace hubseal::agent::http {
namespace {

constexpr std::size_t kColumns = 2;  // of a level

void new_line(std::string& to, std::size_t depth) {
  to += '\n';
  to.append(kColumns * depth, ' ');
}

[[noreturn]] void broken() { throw std::runtime_error("JSON in the database is broken"); }

/// Behind the string that begins here.
std::size_t end_of_string(std::string_view json, std::size_t begin) {
  for (std::size_t at = json.find('"', begin + 1); at != std::string_view::npos; at = json.find('"', at + 1)) {
    std::size_t slashes = 0;  // an odd number of them belongs to the quotation mark
    while (json[at - 1 - slashes] == '\\') ++slashes;
    if (slashes % 2 == 0) return at + 1;
  }
  broken();
}

/// Of a number, or of true, false and null.
bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '+' || c == '.' || c == 'E';
}

/// Behind the string or word that begins here; `begin` where none does.
std::size_t end_of_text(std::string_view json, std::size_t begin) {
  if (json[begin] == '"') return end_of_string(json, begin);
  std::size_t end = begin;
  while (end < json.size() && is_word(json[end])) ++end;
  return end;
}

/// What stands for `c` between quotes; nothing: `c` itself, or what only the library knows to write.
constexpr std::string_view escape(char c) {
  switch (c) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default: return {};
  }
}

/// Of every byte, whether it stands for itself. A table: this is asked of each byte of every PEM.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t byte = 0x20; byte < 0x80; ++byte) plain[byte] = escape(static_cast<char>(byte)).empty();
  return plain;
}();

/// A text in which something is not ASCII, or would be written as a number, is left to the library.
void append_string(std::string& to, std::string_view text) {
  const std::size_t begin = to.size();
  to += '"';
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && kPlain[static_cast<unsigned char>(text[end])]) ++end;
    to.append(text, at, end - at);
    if (end < text.size()) {
      const std::string_view escaped = escape(text[end]);
      if (escaped.empty()) {
        to.resize(begin);
        to += dump_json(text);
        return;
      }
      to.append(escaped);
      ++end;
    }
    at = end;
  }
  to += '"';
}

}  // namespace

void append_laid_out(std::string& to, std::string_view json, std::size_t depth) {
  if (json.empty()) broken();
  std::string open;  // what closes each of the brackets that are open
  std::size_t at = 0;
  do {
    if (const std::size_t end = end_of_text(json, at); end > at) {
      to.append(json.substr(at, end - at));
      at = end;
      continue;
    }
    const char c = json[at++];
    if (open.empty() && c != '{' && c != '[') broken();
    switch (c) {
      case '{':
      case '[':
        open += c == '{' ? '}' : ']';
        to += c;
        if (at < json.size() && json[at] == open.back()) {
          to += json[at++];
          open.pop_back();
        } else {
          new_line(to, depth + open.size());
        }
        break;
      case '}':
      case ']':
        if (c != open.back()) broken();
        open.pop_back();
        new_line(to, depth + open.size());
        to += c;
        break;
      case ',':
        to += c;
        new_line(to, depth + open.size());
        break;
      case ':': to += ": "; break;
      default: broken();
    }
  } while (!open.empty() && at < json.size());
  if (!open.empty() || at < json.size()) broken();
}

void ObjectText::begin_member(std::string_view name) {
  to_ += empty_ ? '{' : ',';
  empty_ = false;
  new_line(to_, depth_ + 1);
  to_.append("\"").append(name).append("\": ");
}

void ObjectText::text(std::string_view name, std::string_view value) {
  begin_member(name);
  append_string(to_, value);
}

void ObjectText::number(std::string_view name, std::int64_t value) {
  begin_member(name);
  to_ += std::to_string(value);
}

void ObjectText::json(std::string_view name, std::string_view value) {
  begin_member(name);
  append_laid_out(to_, value, depth_ + 1);
}

void ObjectText::optional_text(std::string_view name, const std::optional<std::string>& value) {
  if (value) text(name, *value);
}

void ObjectText::optional_json(std::string_view name, const std::optional<std::string>& value) {
  if (value) json(name, *value);
}

void ObjectText::end() {
  if (empty_)
    to_ += '{';
  else
    new_line(to_, depth_);
  to_ += '}';
}

}  // namespace hubseal::agent::http
