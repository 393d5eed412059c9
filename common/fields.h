#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/json.h"
#include "common/result.h"

namespace hubseal {

/// Takes one JSON object apart, once, at the edge: wire requests, configuration files and REST
/// bodies alike. Each call names a member, its type and its cap; nothing_left() refuses the rest. What looks like a
/// slip in writing is told as that, and not as what it leaves missing.
///   request.label = TRY(fields.name("label", 64));
///   TRY(fields.nothing_left());
/// Owns: nothing; the Json must outlive it.
/// Errors: bad_request or too_large, naming the member by its path ("token.label").
class Fields {
 public:
  /// `path` prefixes member names in messages: "" on the wire, "token." in a configuration file.
  static Result<Fields> of(const Json& value, std::string path = "");

  bool has(std::string_view member) const;

  /// Required, at least one byte, at most `max_bytes`, no NUL.
  Result<std::string> text(std::string_view member, std::size_t max_bytes);
  Result<std::optional<std::string>> optional_text(std::string_view member, std::size_t max_bytes);
  /// As text, but an identifier: a letter or digit, then letters, digits, '.', '_' or '-'.
  Result<std::string> name(std::string_view member, std::size_t max_bytes);
  Result<std::optional<std::string>> optional_name(std::string_view member, std::size_t max_bytes);
  Result<std::int64_t> integer(std::string_view member, std::int64_t min, std::int64_t max);
  Result<std::int64_t> integer_or(std::string_view member, std::int64_t min, std::int64_t max, std::int64_t fallback);
  Result<bool> boolean_or(std::string_view member, bool fallback);
  /// Absent means empty.
  Result<std::vector<std::string>> text_list(std::string_view member, std::size_t max_items,
                                             std::size_t max_bytes_each);
  Result<Fields> object(std::string_view member);
  Result<std::optional<Fields>> optional_object(std::string_view member);
  /// Absent means empty.
  Result<std::vector<Fields>> object_list(std::string_view member, std::size_t max_items);

  /// A member whose value is one of the words of a table of {word, value} pairs.
  template <class Table>
  auto choice(std::string_view member, const Table& table) -> Result<std::remove_cvref_t<decltype(table[0].second)>> {
    const std::string word = TRY(text(member, 64));
    for (const auto& [name, value] : table)
      if (name == word) return value;
    std::string wanted;
    for (const auto& entry : table) wanted.append(wanted.empty() ? "" : ", ").append(entry.first);
    return refuse_choice(member, word, wanted);
  }

  /// Refuses members of any other name before the first is taken: a misspelt one is named, not the one that is missing
  /// for it.
  Result<> only(std::span<const std::string_view> names) const;
  Result<> only(std::initializer_list<std::string_view> names) const { return only(std::span(names)); }
  /// Refuses members that nobody asked for.
  Result<> nothing_left() const;

 private:
  Fields(const Json& object, std::string path) : object_(&object), path_(std::move(path)) {}

  const Json* find(std::string_view member);
  Result<const Json*> require(std::string_view member);
  Result<std::string> checked_text(std::string_view member, const Json& value, std::size_t max_bytes) const;
  Result<std::string> checked_name(std::string_view member, const Json& value, std::size_t max_bytes) const;
  tl::unexpected<Error> refuse(std::string_view member, std::string_view problem) const;
  tl::unexpected<Error> refuse_unknown(std::string_view found, std::string_view meant) const;
  tl::unexpected<Error> refuse_choice(std::string_view member, std::string_view found, std::string_view wanted) const;

  const Json* object_;
  std::string path_;
  std::vector<std::string> taken_;
};

/// Whether `text` is an identifier as Fields::name wants it.
bool is_name(std::string_view text);

}  // namespace hubseal
