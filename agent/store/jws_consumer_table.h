#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent::store {

class Database;

/// A service that verifies messages, and what it said last that it verifies them with.
struct JwsConsumer {
  std::string name;
  std::string loaded_json;  ///< an object: participants' ids, and the thumbprints of their keys
  std::string reported_at;  ///< RFC 3339, UTC
};

constexpr int kMaxJwsConsumers = 64;

/// Threads: share it freely. Errors: storage_unavailable.
class JwsConsumerTable {
 public:
  explicit JwsConsumerTable(Database& database) : database_(database) {}

  /// By name.
  Result<std::vector<JwsConsumer>> list();
  /// In place of what it said before. Errors: conflict: there would be too many.
  Result<> put(const std::string& name, const std::string& loaded_json, TimePoint now);
  /// Whether there was one or not.
  Result<> remove(const std::string& name);

 private:
  Database& database_;
};

}  // namespace hubseal::agent::store
