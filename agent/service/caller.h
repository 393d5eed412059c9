#pragma once

#include <string>

namespace hubseal::agent {

/// Who asks, as far as the rules and the log need to know.
struct Caller {
  std::string correlation_id;  ///< of this one request; stands in the answer and in every log line
};

}  // namespace hubseal::agent
