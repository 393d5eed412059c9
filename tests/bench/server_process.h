#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "common/unique_fd.h"

namespace hubseal::bench {

/// Somebody else's server as its own process, its output thrown away.
/// Owns: the process, which ends when this goes, or whoever started it dies.
class ServerProcess {
 public:
  /// Starts it (the program is looked for in PATH) and waits until `connect` no longer throws.
  /// Errors: throws where it ends before that, or does not listen in time.
  ServerProcess(const std::vector<std::string>& command, const std::function<UniqueFd()>& connect);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;  // the process exists once
  ServerProcess& operator=(const ServerProcess&) = delete;

  pid_t pid() const { return pid_; }
  /// It and all that it has started and that still run.
  std::vector<pid_t> family() const;

 private:
  void end();

  pid_t pid_ = -1;
};

/// Whether the program can be started by this name or path.
bool is_installed(const std::string& program);

}  // namespace hubseal::bench
