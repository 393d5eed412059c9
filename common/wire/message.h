/// The messages between hubseald and its clients (docs/PROTOCOL.md): one JSON object a line.
#pragma once

#include <string>
#include <string_view>

#include "common/json.h"
#include "common/result.h"
#include "common/wire/limits.h"

#include <nlohmann/json.hpp>

namespace hubseal::wire {

/// -> {"v":1,"id":"r-81","op":"health", ...the operation's own fields}
struct Request {
  std::string id;
  std::string op;
  Json fields;        ///< an object without v, id, op and anew
  bool anew = false;  ///< asked for again after a rejection, and meant so
};

/// Line without its line feed. Strict: see parse_json; `v`, `id` and `op` must be there.
Result<Request> decode_request(std::string_view line);
std::string encode_request(const Request& request);

/// <- {"v":1,"id":"r-81","ok":{...}}
std::string encode_ok(std::string_view id, const Json& ok);
/// <- {"v":1,"id":"r-81","error":{"code":"policy_denied","message":"..."}}
/// `id` is empty where the request was not understood far enough to have one.
std::string encode_error(std::string_view id, const Error& error);

/// The `ok` object, or the daemon's error as our own; internal for anything that is neither, or
/// whose id is not `id`.
Result<Json> decode_reply(std::string_view line, std::string_view id);

}  // namespace hubseal::wire
