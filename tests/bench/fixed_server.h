#pragma once

#include <sys/types.h>

#include <cstddef>

namespace hubseal::bench {

/// What HTTP over loopback costs by itself: a process that reads a request, looks for its end and answers with a fixed
/// body, a thread for each connection, nothing parsed, nothing looked up. What the agent is compared with.
/// Owns: the process, which ends when this goes.
class FixedServer {
 public:
  explicit FixedServer(std::size_t body_bytes);
  ~FixedServer();
  FixedServer(const FixedServer&) = delete;  // the process exists once
  FixedServer& operator=(const FixedServer&) = delete;

  pid_t pid() const { return pid_; }
  unsigned port() const { return port_; }

 private:
  pid_t pid_ = -1;
  unsigned port_ = 0;
};

}  // namespace hubseal::bench
