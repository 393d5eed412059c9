#include "agent/http/schema.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "common/log.h"

namespace hubseal::agent::http {
namespace {

Violation violation(std::string path, std::string message, std::string_view keyword) {
  return {std::move(path), std::move(message), fmt::format("{}.openapi.validation", keyword)};
}

void check_text(const std::string& path, const Json& value, const Member& member, std::vector<Violation>& found) {
  if (!value.is_string()) {
    found.push_back(violation(path, "should be string", "type"));
    return;
  }
  const auto& text = value.get_ref<const std::string&>();
  if (text.size() > member.max_bytes)
    found.push_back(violation(path, fmt::format("should NOT be longer than {} bytes", member.max_bytes), "maxLength"));
  if (text.size() < member.min_bytes)
    found.push_back(violation(path, fmt::format("should NOT be shorter than {} bytes", member.min_bytes), "minLength"));
  if (text.find('\0') != std::string::npos)
    found.push_back(violation(path, "should NOT hold a NUL character", "pattern"));
  const auto& words = member.one_of;
  if (!words.empty() && std::find(words.begin(), words.end(), text) == words.end())
    found.push_back(violation(
        path, fmt::format("should be equal to one of the allowed values: {}", fmt::join(words, ", ")), "enum"));
}

void check_object(const std::string& path, const Json& value, const Schema& schema, bool closed,
                  std::vector<Violation>& found);

void check_list(const std::string& path, const Json& value, const Member& member, std::vector<Violation>& found) {
  if (!value.is_array()) {
    found.push_back(violation(path, "should be array", "type"));
    return;
  }
  if (value.size() > member.max_items)
    found.push_back(violation(path, fmt::format("should NOT have more than {} items", member.max_items), "maxItems"));
  if (value.size() < member.min_items)
    found.push_back(violation(path, fmt::format("should NOT have fewer than {} items", member.min_items), "minItems"));
  for (std::size_t i = 0; i < std::min(value.size(), member.max_items); ++i) {
    const std::string item = fmt::format("{}[{}]", path, i);
    if (member.type == Type::object_list)
      check_object(item, value[i], member.members, member.closed, found);
    else
      check_text(item, value[i], member, found);
  }
}

void check_member(const std::string& path, const Json& value, const Member& member, std::vector<Violation>& found) {
  if (member.nullable && value.is_null()) return;
  switch (member.type) {
    case Type::text: return check_text(path, value, member, found);
    case Type::text_list:
    case Type::object_list: return check_list(path, value, member, found);
    case Type::text_or_list:
      return value.is_array() ? check_list(path, value, member, found) : check_text(path, value, member, found);
    case Type::object: return check_object(path, value, member.members, member.closed, found);
    case Type::number:
      if (!value.is_number()) found.push_back(violation(path, "should be number", "type"));
      return;
    case Type::boolean:
      if (!value.is_boolean()) found.push_back(violation(path, "should be boolean", "type"));
  }
}

void check_object(const std::string& path, const Json& value, const Schema& schema, bool closed,
                  std::vector<Violation>& found) {
  if (!value.is_object()) {
    found.push_back(violation(path, "should be object", "type"));
    return;
  }
  for (const Member& member : schema) {
    const std::string at = fmt::format("{}.{}", path, member.name);
    const auto item = value.find(std::string(member.name));
    if (item != value.end())
      check_member(at, *item, member, found);
    else if (member.required)
      found.push_back(violation(at, fmt::format("should have required property '{}'", member.name), "required"));
  }
  if (!closed) return;
  for (const auto& [name, item] : value.items())
    if (std::none_of(schema.begin(), schema.end(),
                     [&name = name](const Member& member) { return member.name == name; }))
      found.push_back(violation(fmt::format("{}.{}", path, log::printable(name, 64)),
                                "should NOT have additional properties", "additionalProperties"));
}

}  // namespace

std::vector<Violation> check_body(const Json& body, const Schema& schema, bool closed) {
  std::vector<Violation> found;
  check_object(".body", body, schema, closed, found);
  return found;
}

std::vector<Violation> check_list_body(const Json& body, const Schema& schema) {
  std::vector<Violation> found;
  if (!body.is_array()) found.push_back(violation(".body", "should be array", "type"));
  for (std::size_t i = 0; body.is_array() && i < body.size(); ++i)
    check_object(fmt::format(".body[{}]", i), body[i], schema, false, found);
  return found;
}

}  // namespace hubseal::agent::http
