#pragma once

#include <string>
#include <string_view>

#include "common/unique_fd.h"

namespace hubseal::test {

/// The cheapest client there can be: sends a line that is ready, waits for the line that answers.
/// What drives a benchmark must not compete with what is measured.
/// Errors: throws when the daemon hangs up.
class Caller {
 public:
  explicit Caller(const std::string& socket_path);

  /// The reply without its line feed; valid until the next call. `line` ends in a line feed.
  std::string_view call(std::string_view line);
  void send(std::string_view bytes);

 private:
  UniqueFd fd_;
  std::string reply_;
};

inline bool is_ok(std::string_view reply) { return reply.find(R"(,"ok":)") != std::string_view::npos; }

}  // namespace hubseal::test
