// Any bytes as a request line. What is accepted says the same when it is written and read again.
#include <nlohmann/json.hpp>

#include "common/wire/message.h"
#include "tests/fuzz/fuzz.h"

using namespace hubseal;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line = text_of(data, size);
  (void)wire::decode_reply(line, "1");
  const auto request = wire::decode_request(line);
  if (!request) {
    MUST_HOLD(request.error().code == Code::bad_request || request.error().code == Code::too_large);
    return 0;
  }
  MUST_HOLD(!request->id.empty() && request->id.size() <= wire::kMaxIdBytes);
  MUST_HOLD(request->fields.is_object());
  const auto again = wire::decode_request(wire::encode_request(*request));
  MUST_HOLD(again && again->id == request->id && again->op == request->op && again->fields == request->fields);
  return 0;
}
