#include "agent/http/handlers/endpoint_json.h"

#include <nlohmann/json.hpp>

namespace hubseal::agent::http {

const Schema& ip_members() {
  static const Schema kMembers = {
      {.name = "address", .required = true, .max_bytes = 64},
      {.name = "ports", .type = Type::text_list, .required = true, .max_bytes = 16, .max_items = 64, .min_items = 1},
      {.name = "description", .max_bytes = 512},
  };
  return kMembers;
}

const Schema& url_members() {
  static const Schema kMembers = {{.name = "url", .required = true, .max_bytes = kMaxUrlBytes}};
  return kMembers;
}

IpEntry ip_entry(const Json& value) {
  IpEntry entry = {.address = value["address"].get<std::string>(),
                   .ports = value["ports"].get<std::vector<std::string>>()};
  if (value.contains("description")) entry.description = value["description"].get<std::string>();
  return entry;
}

}  // namespace hubseal::agent::http
