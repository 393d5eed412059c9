#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "agent/auth/roles.h"
#include "agent/store/browser_session_table.h"
#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent {

/// People who have logged in with a browser. A session has one end, however much it is used: what somebody may do is
/// what the provider said at the login, and must not stay true for ever. Threads: share it freely. Errors:
/// storage_unavailable.
class BrowserSessions {
 public:
  BrowserSessions(store::BrowserSessionTable& table, const Clock& clock, std::chrono::seconds lifetime)
      : table_(table), clock_(clock), lifetime_(lifetime) {}

  /// The new session's id, which is kept nowhere.
  Result<std::string> begin(const auth::Identity& identity);
  /// Whose session it is; nothing for one that is not there or has ended.
  Result<std::optional<auth::Identity>> find(std::string_view id);
  Result<> end(std::string_view id);

  std::chrono::seconds lifetime() const { return lifetime_; }

 private:
  store::BrowserSessionTable& table_;
  const Clock& clock_;
  const std::chrono::seconds lifetime_;
};

}  // namespace hubseal::agent
