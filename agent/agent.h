#pragma once

#include <memory>
#include <string>

#include "common/result.h"

namespace hubseal::agent {

struct Config;
namespace http {
class Pipeline;
}

/// hubseal-agent, put together: database, daemon client, services, routes, listener.
/// Owns: all of them.
class Agent {
 public:
  /// Serves when this returns.
  static Result<std::unique_ptr<Agent>> start(const Config& config);
  ~Agent();

  const std::string& url() const;
  /// What answers requests, without a socket.
  const http::Pipeline& pipeline() const;
  /// Accepts nothing more, finishes what is in progress.
  void stop();

 private:
  struct Parts;
  explicit Agent(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace hubseal::agent
