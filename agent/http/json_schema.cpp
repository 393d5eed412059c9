#include <nlohmann/json.hpp>

#include "agent/http/api_document.h"

namespace hubseal::agent::http {
namespace {

Json text_schema(const Member& member) {
  Json schema = {{"type", "string"}};
  if (member.one_of.empty()) {
    if (member.min_bytes > 0) schema["minLength"] = member.min_bytes;
    schema["maxLength"] = member.max_bytes;
  }
  for (const std::string_view word : member.one_of) schema["enum"].push_back(word);
  return schema;
}

Json list_schema(const Member& member, Json items) {
  Json schema = {{"type", "array"}, {"maxItems", member.max_items}, {"items", std::move(items)}};
  if (member.min_items > 0) schema["minItems"] = member.min_items;
  return schema;
}

Json present(const Member& member) {
  switch (member.type) {
    case Type::text: return text_schema(member);
    case Type::boolean: return {{"type", "boolean"}};
    case Type::number: return {{"type", "number"}};
    case Type::text_list: return list_schema(member, text_schema(member));
    case Type::text_or_list:
      return {{"anyOf", Json::array({text_schema(member), list_schema(member, text_schema(member))})}};
    case Type::object: return json_schema(member.members, member.closed);
    case Type::object_list: return list_schema(member, json_schema(member.members, member.closed));
  }
  return {};
}

}  // namespace

Json json_schema(const Schema& schema, bool closed) {
  Json object = {{"type", "object"}};
  for (const Member& member : schema) {
    const std::string name(member.name);
    Json value = present(member);
    if (member.nullable) value = {{"anyOf", Json::array({std::move(value), {{"type", "null"}}})}};
    object["properties"][name] = std::move(value);
    if (member.required) object["required"].push_back(name);
  }
  if (closed) object["additionalProperties"] = false;
  return object;
}

}  // namespace hubseal::agent::http
