#pragma once

#include <functional>
#include <string>

#include "common/json.h"

namespace hubseal::test {

/// One request and the answer it must get.
struct Ask {
  std::string what;      ///< for the report
  std::string line;      ///< with its line feed
  std::string expected;  ///< "ok", or the code of its refusal
  bool recorded = true;  ///< whether the audit log must hold it
  /// What follows from the answer that was expected: its `ok` or its `error`. May be empty.
  std::function<void(const Json& answer)> then = {};
};

/// Operation `op` with these fields. What is refused, and what signs or changes, is recorded.
Ask ask(const std::string& op, const Json& fields, const std::string& expected = "ok", bool recorded = true);
/// One that only reads and must succeed.
Ask reading(const std::string& op, const Json& fields);

}  // namespace hubseal::test
