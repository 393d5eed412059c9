#pragma once

#include <string>
#include <string_view>

#include "common/result.h"

namespace hubseal::daemon {

/// Which messages a peer may have signed: "PUT /quotes/*". One line of `messages` in hubseald.toml.
struct MessageRule {
  std::string method;
  std::string uri;         ///< as `FSPIOP-URI` has it, from the resource's name on
  bool and_below = false;  ///< whatever begins so, not this alone

  /// "METHOD /resource/rest", where a '*' may stand at the end alone. Errors: bad_request.
  static Result<MessageRule> parse(std::string_view line);
  bool covers(std::string_view method, std::string_view uri) const;
};

}  // namespace hubseal::daemon
