#include "agent/mcm/sql_reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/mcm/mysql_dump.h"
#include "common/bytes.h"
#include "common/log.h"

namespace hubseal::agent::mcm {
namespace {

constexpr std::size_t kMaxNameBytes = 64;  // MySQL's own limit
constexpr std::string_view kDelimiters[] = {";", ";;", "$$", "//"};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/// What MySQL's manual, 9.1.1, says of a character behind a backslash. '%' and '_' keep theirs.
std::string unescaped(char c) {
  switch (c) {
    case '0': return std::string(1, '\0');
    case 'b': return "\b";
    case 'n': return "\n";
    case 'r': return "\r";
    case 't': return "\t";
    case 'Z': return "\x1a";
    case '%':
    case '_': return {'\\', c};
    default: return std::string(1, c);
  }
}

}  // namespace

tl::unexpected<Error> SqlReader::refuse(std::string_view problem) const {
  const auto here = text_.substr(0, std::min(pos_, text_.size()));
  return fail(Code::bad_request,
              fmt::format("line {} of the dump: {}", 1 + std::count(here.begin(), here.end(), '\n'), problem));
}

Result<> SqlReader::skip_to(std::string_view end, std::string_view what) {
  const std::size_t found = text_.find(end, pos_);
  if (found == std::string_view::npos) return refuse(fmt::format("{} has no end; is the dump cut off?", what));
  pos_ = found + end.size();
  return {};
}

Result<bool> SqlReader::more() {
  while (!is_over()) {
    if (is_space(peek())) {
      ++pos_;
    } else if (peek() == '#' || (at("--") && (pos_ + 2 == text_.size() || is_space(text_[pos_ + 2])))) {
      pos_ = std::min(text_.find('\n', pos_), text_.size());
    } else if (at("/*")) {
      pos_ += 2;
      TRY(skip_to("*/", "a comment"));
    } else {
      return true;
    }
  }
  return false;
}

std::string SqlReader::word() {
  std::string found;
  while (is_letter(peek())) {
    const char c = text_[pos_++];
    found += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return found;
}

Result<bool> SqlReader::accept(char sign) {
  TRY(more());
  if (peek() != sign || is_over()) return false;
  ++pos_;
  TRY(more());
  return true;
}

Result<bool> SqlReader::accept_word(std::string_view wanted) {
  const std::size_t begin = pos_;
  if (word() == wanted) {
    TRY(more());
    return true;
  }
  pos_ = begin;
  return false;
}

Result<> SqlReader::expect(char sign, std::string_view where) {
  if (TRY(accept(sign))) return {};
  return refuse(fmt::format("found \"{}\" {}; wanted '{}'",
                            log::printable(text_.substr(std::min(pos_, text_.size()), 12)), where, sign));
}

Result<std::string> SqlReader::name() {
  TRY(more());
  std::string found;
  if (peek() == '`') {
    found = TRY(quoted('`'));
  } else {
    while (is_letter(peek()) || is_digit(peek())) found += text_[pos_++];
  }
  if (found.empty() || found.size() > kMaxNameBytes) return refuse("wanted a name of at most 64 bytes");
  return found;
}

/// The mark twice is the mark; a backslash counts in texts alone.
Result<std::string> SqlReader::quoted(char mark) {
  std::string found;
  for (++pos_; !is_over(); ++pos_) {
    const char c = text_[pos_];
    if (found.size() > kMaxDumpTextBytes) return refuse(fmt::format("a text is over {} bytes", kMaxDumpTextBytes));
    if (c == mark) {
      ++pos_;
      if (peek() != mark || is_over()) return found;
      found += mark;
    } else if (c == '\\' && mark != '`') {
      if (++pos_ >= text_.size()) break;
      found += unescaped(text_[pos_]);
    } else {
      found += c;
    }
  }
  return refuse("a text has no end; is the dump cut off?");
}

Result<std::string> SqlReader::hexadecimal(std::string_view digits) const {
  if (digits.size() > 2 * kMaxDumpTextBytes) return refuse("a hexadecimal value is too long");
  const auto bytes = from_hex(digits);
  if (!bytes) return refuse("a hexadecimal value has an odd number of digits, or others");
  const std::string_view text = as_text(*bytes);
  if (!is_utf8(text) || text.find('\0') != std::string_view::npos)
    return refuse("a hexadecimal value is no text in UTF-8");
  return std::string(text);
}

Result<std::optional<std::string>> SqlReader::value() {
  TRY(more());
  if (peek() == '_') {  // a character set: _utf8mb4'...'
    while (is_letter(peek()) || is_digit(peek())) ++pos_;
    TRY(more());
  }
  return plain_value();
}

Result<std::optional<std::string>> SqlReader::plain_value() {
  const std::size_t begin = pos_;
  if (at("0x")) {
    for (pos_ += 2; is_hex(peek()); ++pos_)
      ;
    return TRY(hexadecimal(text_.substr(begin + 2, pos_ - begin - 2)));
  }
  if (is_digit(peek()) || peek() == '-') {
    for (++pos_; is_digit(peek()) || (!is_over() && std::string_view(".eE+-").find(peek()) != std::string_view::npos);)
      ++pos_;
    return std::string(text_.substr(begin, pos_ - begin));
  }
  const std::string before = word();
  if (before == "NULL") return std::nullopt;
  if (is_next('\'') && before == "X") return TRY(hexadecimal(TRY(quoted('\''))));
  if (is_next('\'') && before.empty()) {
    std::string text = TRY(quoted('\''));
    if (std::find(text.begin(), text.end(), '\0') != text.end()) return refuse("a text holds a NUL");
    return text;
  }
  return refuse(fmt::format("found \"{}\"; wanted NULL, a number, a text in quotation marks or a hexadecimal one",
                            log::printable(text_.substr(std::min(begin, text_.size()), 24))));
}

Result<> SqlReader::skip_one() {
  if (is_next('\'') || is_next('"') || is_next('`')) {
    TRY(quoted(peek()));
    return {};
  }
  if (at("/*") || at("-- ") || at("#")) return more().map([](bool) {});
  ++pos_;
  return {};
}

Result<> SqlReader::skip_definition() {
  int depth = 0;
  while (!is_over()) {
    if (depth == 0 && (peek() == ',' || peek() == ')')) return {};
    if (peek() == '(') ++depth;
    if (peek() == ')') --depth;
    TRY(skip_one());
  }
  return refuse("a table's definition has no end; is the dump cut off?");
}

Result<> SqlReader::skip_statement() {
  while (!is_over()) {
    if (at(delimiter_)) return expect_end();
    TRY(skip_one());
  }
  return refuse("a statement has no end; is the dump cut off?");
}

Result<> SqlReader::expect_end() {
  TRY(more());
  if (!at(delimiter_))
    return refuse(fmt::format("found \"{}\"; wanted the end of the statement",
                              log::printable(text_.substr(std::min(pos_, text_.size()), 12))));
  pos_ += delimiter_.size();
  return {};
}

Result<> SqlReader::set_delimiter() {
  const std::size_t end = std::min(text_.find('\n', pos_), text_.size());
  std::string_view line = text_.substr(pos_, end - pos_);
  while (!line.empty() && is_space(line.front())) line.remove_prefix(1);
  while (!line.empty() && is_space(line.back())) line.remove_suffix(1);
  const auto known = std::find(std::begin(kDelimiters), std::end(kDelimiters), line);
  if (known == std::end(kDelimiters)) return refuse("DELIMITER wants ; or ;; or $$ or //");
  delimiter_ = *known;
  pos_ = end;
  return {};
}

}  // namespace hubseal::agent::mcm
