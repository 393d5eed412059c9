#include "cli/session.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "cli/input_output.h"

namespace hubseal::cli {
namespace {

constexpr std::chrono::seconds kKeyGeneration{300};

}  // namespace

wire::DaemonClient Session::client(Work work) const {
  const std::chrono::seconds patience(timeout_seconds);
  return {socket, work == Work::key_generation ? std::max(patience, kKeyGeneration) : patience};
}

Result<Json> Session::call(std::string_view op, const Json& fields, Work work) const {
  wire::DaemonClient daemon = client(work);
  *operation = op;
  if (!anew) return daemon.call(op, fields);
  Json asked = fields;
  asked["anew"] = true;
  return daemon.call(op, asked);
}

void Session::print_json(const Json& value) const { print(dump_json(value) + '\n'); }

const Json& member_of(const Json& object, std::string_view member) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(std::string(member));
  return found == object.end() ? kNull : *found;
}

std::string text_of(const Json& object, std::string_view member) {
  const Json& value = member_of(object, member);
  if (value.is_null()) return "-";
  return value.is_string() ? value.get<std::string>() : dump_json(value);
}

}  // namespace hubseal::cli
