#pragma once

#include <optional>
#include <string>

#include "agent/auth/roles.h"

namespace hubseal::agent {

/// Who asks, as far as the rules and the log need to know.
struct Caller {
  std::string correlation_id;                   ///< of this one request; stands in the answer and in every log line
  std::optional<auth::Identity> identity = {};  ///< absent where nobody has to say who they are

  /// For the log: "4f1c (pta, everyone)"; "-" for nobody in particular.
  std::string who() const;
};

}  // namespace hubseal::agent
