#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "common/json.h"
#include "common/unique_fd.h"
#include "tests/support/temp_dir.h"

namespace hubseal::bench {

/// A real hubseal-agent as its own process, with a database of its own in a temporary folder, on a free loopback port.
/// Owns: the process (ended when this goes) and the folder.
/// Errors: throws with what the agent wrote.
class AgentProcess {
 public:
  struct Options {
    std::string program;
    std::string daemon_socket;
    std::string ca;          ///< that signs
    std::string postgresql;  ///< a connection string; empty: SQLite, of its own
  };

  /// Starts the agent and waits until it listens.
  explicit AgentProcess(const Options& options);
  ~AgentProcess();
  AgentProcess(const AgentProcess&) = delete;  // the process exists once
  AgentProcess& operator=(const AgentProcess&) = delete;

  pid_t pid() const { return pid_; }
  unsigned port() const { return port_; }
  std::size_t resident_bytes() const;

 private:
  unsigned await_port() const;

  test::TempDir folder_;
  pid_t pid_ = -1;
  unsigned port_ = 0;
};

/// The bytes of a request; `body` empty: none.
std::string http_request(std::string_view method, std::string_view path, std::string_view body = {});

/// One keep-alive connection that waits for each answer: for what stands around a measurement.
/// Errors: throws with the answer where it is not 200.
class HttpClient {
 public:
  explicit HttpClient(unsigned port);
  Json ask(std::string_view method, std::string_view path);
  Json ask(std::string_view method, std::string_view path, const Json& body);
  /// The body as it came.
  std::string ask_text(const std::string& request);

 private:
  UniqueFd fd_;
};

}  // namespace hubseal::bench
