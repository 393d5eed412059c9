#pragma once

#include <string>

#include <tl/expected.hpp>

#include "agent/http/message.h"
#include "agent/http/router.h"

namespace hubseal::agent {
class BrowserSessions;
class Dfsps;
namespace auth {
class TokenVerifier;
}
}  // namespace hubseal::agent

namespace hubseal::agent::http {

/// Says who asks and whether the route is theirs, before anything that they sent is looked at.
/// Threads: share it freely.
class Gate {
 public:
  /// Open: everybody may everything. Only for listeners that the network cannot reach.
  Gate() = default;
  /// `sessions` is null where people cannot log in with a browser.
  Gate(const auth::TokenVerifier& verifier, Dfsps& dfsps, BrowserSessions* sessions = nullptr)
      : verifier_(&verifier), dfsps_(&dfsps), sessions_(sessions) {}

  /// The caller, or why not: 401 who is not known, 403 who is and may not, 503 while that cannot be told. A DFSP is
  /// told nothing about others, not even that they exist.
  tl::expected<Caller, Answer> admit(const Incoming& incoming, const Route& route, const PathParameters& path,
                                     const std::string& correlation_id) const;

 private:
  tl::expected<auth::Identity, Answer> identify(const Incoming& incoming, const Route& route,
                                                const std::string& correlation_id) const;
  tl::expected<auth::Identity, Answer> identify_browser(const Incoming& incoming, const Route& route,
                                                        const std::string& correlation_id) const;
  Result<bool> is_allowed(const auth::Identity& identity, const Route& route, const PathParameters& path) const;

  const auth::TokenVerifier* verifier_ = nullptr;
  Dfsps* dfsps_ = nullptr;
  BrowserSessions* sessions_ = nullptr;
};

}  // namespace hubseal::agent::http
