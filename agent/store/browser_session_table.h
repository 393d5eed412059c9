#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent::store {

class Database;

/// Somebody who has logged in with a browser.
struct BrowserSession {
  std::string id_hash;
  std::string subject;
  std::string identity_json;
  TimePoint created_at;
  TimePoint expires_at;
};

/// Sessions of one person; the oldest end when more are begun.
constexpr int kMaxSessionsOfOne = 10;

/// Threads: share it freely. Errors: storage_unavailable.
class BrowserSessionTable {
 public:
  explicit BrowserSessionTable(Database& database) : database_(database) {}

  /// Adds it, and removes those that have ended by the time it begins.
  Result<> add(const BrowserSession& session);
  /// Nothing: there is none, or it has ended.
  Result<std::optional<BrowserSession>> find(std::string_view id_hash, TimePoint now);
  Result<> remove(std::string_view id_hash);

 private:
  Database& database_;
};

}  // namespace hubseal::agent::store
