#include "common/toml.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#define TOML_EXCEPTIONS 0
// The library asserts what it then checks and reports: a header like "[,a]" must be an error of the
// file and not the end of the process.
#define TOML_ASSERT(condition) static_cast<void>(0)
#include <toml++/toml.h>

namespace hubseal {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{256} << 10;

Result<Json> to_json(const toml::node& node, const std::string& where) {
  if (const auto* table = node.as_table()) {
    Json object = Json::object();
    for (const auto& [key, value] : *table)
      object[std::string(key.str())] = TRY(to_json(value, where + std::string(key.str()) + "."));
    return object;
  }
  if (const auto* array = node.as_array()) {
    Json list = Json::array();
    for (const auto& value : *array) list.push_back(TRY(to_json(value, where)));
    return list;
  }
  if (const auto* text = node.as_string()) return Json(text->get());
  if (const auto* number = node.as_integer()) return Json(number->get());
  if (const auto* flag = node.as_boolean()) return Json(flag->get());
  return fail(Code::bad_request,
              fmt::format("{} holds a date or a fraction; wanted text, a whole number, true or false", where));
}

}  // namespace

Result<Json> read_toml(const std::filesystem::path& path, Trust trust) {
  return parse_toml(TRY(read_file(path, kMaxBytes, trust)), path.string());
}

Result<Json> parse_toml(std::string_view text, const std::string& name) {
  const toml::parse_result parsed = toml::parse(text, name);
  if (!parsed) {
    const auto& error = parsed.error();
    return fail(Code::bad_request, fmt::format("{}:{}:{}: {}", name, error.source().begin.line,
                                               error.source().begin.column, error.description()));
  }
  return to_json(parsed.table(), name + ": ");
}

}  // namespace hubseal
