#pragma once

#include <chrono>
#include <string>

#include "common/result.h"

namespace hubseal::agent::http {

/// Asks the scheme's ping server whether a DFSP can be reached.
/// Threads: share it freely.
class PingClient {
 public:
  /// `url`: http, from the configuration. `timeout`: of each step (connecting, sending, receiving).
  PingClient(std::string url, std::chrono::seconds timeout) : url_(std::move(url)), timeout_(timeout) {}

  /// The body of the answer. Errors: internal, in words for the log: no connection, no 200, an answer that is too long.
  Result<std::string> ask(const std::string& dfsp_id) const;

 private:
  const std::string url_;
  const std::chrono::seconds timeout_;
};

/// A new ULID: 26 characters, the first ten of which are the time.
std::string new_ulid();

}  // namespace hubseal::agent::http
