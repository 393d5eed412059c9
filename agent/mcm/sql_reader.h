#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"

namespace hubseal::agent::mcm {

/// The parts that a MySQL dump is made of, one after the other. Internal to mcm/.
/// Owns: nothing; the text must outlive it. Errors: bad_request, naming the line; too_large.
class SqlReader {
 public:
  explicit SqlReader(std::string_view text) : text_(text) {}

  /// White space and comments are behind us; whether there is more. Errors: a comment without an end.
  Result<bool> more();
  /// A word in capitals, such as INSERT; empty where there is none.
  std::string word();
  /// `sign`, and white space behind it, where it is next.
  Result<bool> accept(char sign);
  Result<> expect(char sign, std::string_view where);
  /// The same for a word in capitals.
  Result<bool> accept_word(std::string_view wanted);
  bool is_next(char sign) const { return !is_over() && peek() == sign; }
  /// A name in backquotes, or without.
  Result<std::string> name();
  /// NULL, a number, a text in quotation marks or a hexadecimal one.
  Result<std::optional<std::string>> value();
  /// Up to, and not over, a comma or closing bracket that is in no inner brackets.
  Result<> skip_definition();
  /// Over the rest of a statement.
  Result<> skip_statement();
  /// The end of a statement must be next.
  Result<> expect_end();
  /// The rest of the line is what statements end with from now on.
  Result<> set_delimiter();

  tl::unexpected<Error> refuse(std::string_view problem) const;

 private:
  bool at(std::string_view text) const { return text_.substr(pos_).starts_with(text); }
  char peek() const { return pos_ < text_.size() ? text_[pos_] : '\0'; }
  bool is_over() const { return pos_ >= text_.size(); }
  Result<> skip_to(std::string_view end, std::string_view what);
  /// Over one quoted text, comment or character.
  Result<> skip_one();
  Result<std::string> quoted(char mark);
  Result<std::optional<std::string>> plain_value();
  Result<std::string> hexadecimal(std::string_view digits) const;

  std::string_view text_;
  std::size_t pos_ = 0;
  std::string_view delimiter_ = ";";  // one of those that set_delimiter() accepts
};

}  // namespace hubseal::agent::mcm
