#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent::store {

class Database;

/// A participant of the scheme.
struct Dfsp {
  std::string id;
  std::string name;
  std::optional<std::string> monetary_zone = {};
  std::optional<bool> is_proxy = {};
  std::string security_group = {};
  std::optional<std::string> email = {};
  std::vector<std::string> fxp_currencies = {};  ///< written; not read by anything yet served
};

/// Threads: share it freely. Errors: storage_unavailable.
class DfspTable {
 public:
  explicit DfspTable(Database& database) : database_(database) {}

  /// Errors: conflict when an id that differs at most in case exists.
  Result<> add(const Dfsp& dfsp, TimePoint now);
  Result<bool> exists(std::string_view id);
  /// Nothing: there is no such DFSP.
  Result<std::optional<std::string>> security_group(std::string_view id);
  /// In the order in which they were added; without fxp_currencies.
  Result<std::vector<Dfsp>> list();

 private:
  Database& database_;
};

}  // namespace hubseal::agent::store
