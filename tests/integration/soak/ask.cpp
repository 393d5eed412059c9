#include "tests/integration/soak/ask.h"

#include <nlohmann/json.hpp>

namespace hubseal::test {

Ask ask(const std::string& op, const Json& fields, const std::string& expected, bool recorded) {
  Json message = {{"v", 1}, {"id", "soak"}, {"op", op}};
  message.update(fields);
  return {op, dump_json(message) + "\n", expected, recorded || expected != "ok"};
}

Ask reading(const std::string& op, const Json& fields) { return ask(op, fields, "ok", false); }

}  // namespace hubseal::test
