#pragma once

#include <string>

namespace hubseal::cli {

/// While it lives, Ctrl-C, SIGTERM and a closed terminal say what to do next, on standard error, before they end this
/// process as they always do. One at a time.
class InterruptionNote {
 public:
  explicit InterruptionNote(const std::string& note);
  ~InterruptionNote();
  InterruptionNote(const InterruptionNote&) = delete;
  InterruptionNote& operator=(const InterruptionNote&) = delete;
};

}  // namespace hubseal::cli
