#include "agent/http/schema.h"

#include <algorithm>

#include <fmt/format.h>

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
}

void check_list(const std::string& path, const Json& value, const Member& member, std::vector<Violation>& found) {
  if (!value.is_array()) {
    found.push_back(violation(path, "should be array", "type"));
    return;
  }
  if (value.size() > member.max_items)
    found.push_back(violation(path, fmt::format("should NOT have more than {} items", member.max_items), "maxItems"));
  for (std::size_t i = 0; i < value.size(); ++i) check_text(fmt::format("{}[{}]", path, i), value[i], member, found);
}

void check_object(const std::string& at, const Json& body, const Schema& schema, std::vector<Violation>& found) {
  if (!body.is_object()) {
    found.push_back(violation(at, "should be object", "type"));
    return;
  }
  for (const Member& member : schema) {
    const std::string path = fmt::format("{}.{}", at, member.name);
    const auto value = body.find(std::string(member.name));
    if (value == body.end()) {
      if (member.required)
        found.push_back(violation(path, fmt::format("should have required property '{}'", member.name), "required"));
      continue;
    }
    if (member.nullable && value->is_null()) continue;
    switch (member.type) {
      case Type::text: check_text(path, *value, member, found); break;
      case Type::text_or_list:
        if (value->is_array())
          check_list(path, *value, member, found);
        else
          check_text(path, *value, member, found);
        break;
      case Type::text_list: check_list(path, *value, member, found); break;
      case Type::number:
        if (!value->is_number()) found.push_back(violation(path, "should be number", "type"));
        break;
      case Type::boolean:
        if (!value->is_boolean()) found.push_back(violation(path, "should be boolean", "type"));
        break;
    }
  }
}

}  // namespace

std::vector<Violation> check_body(const Json& body, const Schema& schema) {
  std::vector<Violation> found;
  check_object(".body", body, schema, found);
  return found;
}

std::vector<Violation> check_list_body(const Json& body, const Schema& schema) {
  std::vector<Violation> found;
  if (!body.is_array()) found.push_back(violation(".body", "should be array", "type"));
  for (std::size_t i = 0; body.is_array() && i < body.size(); ++i)
    check_object(fmt::format(".body[{}]", i), body[i], schema, found);
  return found;
}

bool holds_private_key(const Json& body) {
  if (!body.is_structured()) return false;
  if (body.is_object() && body.contains("privateKey")) return true;
  return std::any_of(body.begin(), body.end(), [](const Json& item) { return holds_private_key(item); });
}

}  // namespace hubseal::agent::http
