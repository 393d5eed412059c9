#include "common/fields.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/log.h"
#include "common/slips.h"

namespace hubseal {
namespace {

/// Names that are both known are further apart than one slip ("approval" and "approver" are two), short ones excepted.
bool is_slip(std::string_view found, std::string_view meant) { return meant.size() >= 4 && slips(found, meant) == 1; }

/// What a value is. Its content is not told where a text is wanted: it may be a secret that was written without quotes.
std::string_view kind_of(const Json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  if (value.is_string()) return "a string";
  if (value.is_boolean()) return "true or false";
  return value.is_null() ? "null" : "a number";
}

/// A value that is of the wrong kind or out of bounds, in few words.
std::string in_words(const Json& value) {
  if (value.is_structured()) return std::string(kind_of(value));
  if (value.is_string()) return fmt::format("the text \"{}\"", log::printable(value.get_ref<const std::string&>(), 64));
  return value.dump();
}

}  // namespace

bool is_name(std::string_view text) {
  const auto alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const auto allowed = [&](char c) { return alphanumeric(c) || c == '.' || c == '_' || c == '-'; };
  return !text.empty() && alphanumeric(text.front()) && std::all_of(text.begin(), text.end(), allowed);
}

Result<Fields> Fields::of(const Json& value, std::string path) {
  if (value.is_object()) return Fields(value, std::move(path));
  if (path.ends_with('.')) path.pop_back();
  return fail(Code::bad_request,
              fmt::format("{} is {}; wanted an object", path.empty() ? "the message" : fmt::format("\"{}\"", path),
                          kind_of(value)));
}

bool Fields::has(std::string_view member) const { return object_->contains(std::string(member)); }

const Json* Fields::find(std::string_view member) {
  taken_.emplace_back(member);
  const auto found = object_->find(taken_.back());
  return found == object_->end() ? nullptr : &*found;
}

Result<const Json*> Fields::require(std::string_view member) {
  if (const Json* value = find(member)) return value;
  for (const auto& item : object_->items())
    if (std::find(taken_.begin(), taken_.end(), item.key()) == taken_.end() && is_slip(item.key(), member))
      return refuse_unknown(item.key(), member);
  return refuse(member, "is missing");
}

Result<std::string> Fields::checked_text(std::string_view member, const Json& value, std::size_t max_bytes) const {
  if (!value.is_string()) return refuse(member, fmt::format("is {}; wanted a string", kind_of(value)));
  const auto& text = value.get_ref<const std::string&>();
  if (text.empty()) return refuse(member, "is empty");
  if (text.size() > max_bytes)
    return fail(Code::too_large,
                fmt::format("\"{}{}\" has {} bytes, at most {} are accepted", path_, member, text.size(), max_bytes));
  if (text.find('\0') != std::string::npos) return refuse(member, "holds a NUL byte");
  return text;
}

Result<std::string> Fields::checked_name(std::string_view member, const Json& value, std::size_t max_bytes) const {
  std::string text = TRY(checked_text(member, value, max_bytes));
  if (!is_name(text))
    return refuse(member, fmt::format("is \"{}\"; wanted a letter or digit, then letters, digits, '.', '_' or '-'",
                                      log::printable(text, 64)));
  return text;
}

Result<std::string> Fields::text(std::string_view member, std::size_t max_bytes) {
  return checked_text(member, *TRY(require(member)), max_bytes);
}

Result<std::optional<std::string>> Fields::optional_text(std::string_view member, std::size_t max_bytes) {
  const Json* value = find(member);
  if (!value) return std::nullopt;
  return TRY(checked_text(member, *value, max_bytes));
}

Result<std::string> Fields::name(std::string_view member, std::size_t max_bytes) {
  return checked_name(member, *TRY(require(member)), max_bytes);
}

Result<std::optional<std::string>> Fields::optional_name(std::string_view member, std::size_t max_bytes) {
  const Json* value = find(member);
  if (!value) return std::nullopt;
  return TRY(checked_name(member, *value, max_bytes));
}

Result<std::int64_t> Fields::integer(std::string_view member, std::int64_t min, std::int64_t max) {
  const Json* value = TRY(require(member));
  const bool fits =
      value->is_number_integer() && !(value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX);
  const std::int64_t number = fits ? value->get<std::int64_t>() : 0;
  if (!fits || number < min || number > max)
    return refuse(member, fmt::format("is {}; wanted a whole number from {} to {}", in_words(*value), min, max));
  return number;
}

Result<std::int64_t> Fields::integer_or(std::string_view member, std::int64_t min, std::int64_t max,
                                        std::int64_t fallback) {
  if (find(member)) return integer(member, min, max);
  return fallback;
}

Result<bool> Fields::boolean_or(std::string_view member, bool fallback) {
  const Json* value = find(member);
  if (!value) return fallback;
  if (!value->is_boolean()) return refuse(member, fmt::format("is {}; wanted true or false", in_words(*value)));
  return value->get<bool>();
}

Result<std::vector<std::string>> Fields::text_list(std::string_view member, std::size_t max_items,
                                                   std::size_t max_bytes_each) {
  std::vector<std::string> items;
  const Json* value = find(member);
  if (!value) return items;
  if (!value->is_array()) return refuse(member, fmt::format("is {}; wanted a list", kind_of(*value)));
  if (value->size() > max_items)
    return fail(Code::too_large,
                fmt::format("\"{}{}\" has {} items, at most {} are accepted", path_, member, value->size(), max_items));
  for (const Json& item : *value) items.push_back(TRY(checked_text(member, item, max_bytes_each)));
  return items;
}

Result<Fields> Fields::object(std::string_view member) {
  return of(*TRY(require(member)), fmt::format("{}{}.", path_, member));
}

Result<std::optional<Fields>> Fields::optional_object(std::string_view member) {
  const Json* value = find(member);
  if (!value) return std::nullopt;
  return TRY(of(*value, fmt::format("{}{}.", path_, member)));
}

Result<std::vector<Fields>> Fields::object_list(std::string_view member, std::size_t max_items) {
  std::vector<Fields> items;
  const Json* value = find(member);
  if (!value) return items;
  if (!value->is_array()) return refuse(member, fmt::format("is {}; wanted a list", kind_of(*value)));
  if (value->size() > max_items)
    return fail(Code::too_large,
                fmt::format("\"{}{}\" has {} items, at most {} are accepted", path_, member, value->size(), max_items));
  for (std::size_t i = 0; i < value->size(); ++i)
    items.push_back(TRY(of((*value)[i], fmt::format("{}{}[{}].", path_, member, i))));
  return items;
}

Result<> Fields::only(std::span<const std::string_view> names) const {
  for (const auto& item : object_->items()) {
    const std::string& found = item.key();
    if (std::find(names.begin(), names.end(), found) != names.end()) continue;
    return refuse_unknown(found, nearest_name(found, {names.begin(), names.end()}));
  }
  return {};
}

Result<> Fields::nothing_left() const {
  for (const auto& item : object_->items()) {
    if (std::find(taken_.begin(), taken_.end(), item.key()) != taken_.end()) continue;
    const auto meant = std::find_if(taken_.begin(), taken_.end(),
                                    [&](const std::string& name) { return !has(name) && is_slip(item.key(), name); });
    return refuse_unknown(item.key(), meant == taken_.end() ? "" : *meant);
  }
  return {};
}

tl::unexpected<Error> Fields::refuse_unknown(std::string_view found, std::string_view meant) const {
  return refuse(log::printable(found, 64),
                meant.empty() ? "is not known here" : fmt::format("is not known here; did you mean \"{}\"?", meant));
}

tl::unexpected<Error> Fields::refuse(std::string_view member, std::string_view problem) const {
  return fail(Code::bad_request, fmt::format("\"{}{}\" {}", path_, member, problem));
}

tl::unexpected<Error> Fields::refuse_choice(std::string_view member, std::string_view found,
                                            std::string_view wanted) const {
  return refuse(member, fmt::format("is \"{}\"; wanted one of: {}", log::printable(found, 64), wanted));
}

}  // namespace hubseal
