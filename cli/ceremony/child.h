#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/unique_fd.h"

namespace hubseal::cli {

/// A program that this process started: a fixed list of arguments, no shell, the environment as it
/// is (a token's module may need its own variables). What it prints is kept, not shown.
/// Owns: the process. It is stopped by its pid and waited for when the Child goes; a signal that
/// ends this process (Ctrl-C, SIGTERM) is passed on first.
/// Threads: one, and one Child at a time.
class Child {
 public:
  static Result<Child> start(const std::vector<std::string>& arguments);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();

  /// The exit status, or 128 + the signal that ended it; nothing if it still runs after `limit`.
  std::optional<int> wait(std::chrono::milliseconds limit);
  /// SIGTERM, and SIGKILL if that is ignored for too long. The exit status.
  int stop();
  /// The last `max_bytes` of what it wrote to standard output, and to standard error.
  std::string output(std::size_t max_bytes) const;
  std::string errors(std::size_t max_bytes) const;

 private:
  Child(pid_t pid, UniqueFd process, UniqueFd output, UniqueFd errors);

  pid_t pid_ = -1;
  UniqueFd process_;  // pidfd: readable when the process has ended
  UniqueFd output_;   // memfd
  UniqueFd errors_;   // likewise
  std::optional<int> status_;
};

}  // namespace hubseal::cli
