#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "agent/http/browser_guard.h"
#include "agent/http/gate.h"
#include "agent/http/message.h"
#include "agent/http/request_metrics.h"
#include "agent/http/router.h"

namespace hubseal::agent::http {

constexpr std::size_t kMaxBodyBytes = 100 * 1024;
/// Of one that is a list: a connector sends the keys of all that it knows at once, 256 of RSA-4096 say.
constexpr std::size_t kMaxListBytes = 512 * 1024;

/// From a complete request to its answer: guard, route, gate, media type, JSON, schema, handler. Knows no
/// socket, so tests call it directly.
/// Owns: the routes, and what is counted of them.
/// Threads: share it freely. Never throws.
class Pipeline {
 public:
  Pipeline(std::vector<Route> routes, BrowserGuard guard, Gate gate = Gate());

  Answer answer(const Incoming& incoming, const std::string& correlation_id) const noexcept;

  /// Of the body that such a request may have.
  std::size_t max_body_bytes(const Incoming& incoming) const;

  const Router& router() const { return router_; }
  RequestMetrics& requests() const { return *requests_; }

 private:
  Answer answer_or_throw(const Incoming& incoming, const std::string& correlation_id) const;
  Answer serve(const Incoming& incoming, const Target& target, Router::Match match,
               const std::string& correlation_id) const;
  Answer serve_admitted(const Incoming& incoming, const Target& target, Router::Match match, Caller caller) const;

  const Router router_;
  const std::unique_ptr<RequestMetrics> requests_;
  const BrowserGuard guard_;
  const Gate gate_;
};

/// 16 random hexadecimal digits.
std::string new_correlation_id();

}  // namespace hubseal::agent::http
