#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent::store {

class Database;

/// One address with its ports, or one URL, of the hub or of a DFSP.
struct EndpointItem {
  std::int64_t id = 0;
  std::optional<std::string> dfsp_id = {};            ///< absent: the hub's
  std::string state = {};                             ///< "NEW", "CONFIRMED" or "INVALID"
  std::string direction = {};                         ///< "INGRESS" or "EGRESS"
  std::string type = {};                              ///< "IP" or "URL"
  std::string value_json = {};                        ///< members always in the same order
  std::string created_at = {};                        ///< as format_utc writes it
  std::optional<std::int64_t> value_changed_at = {};  ///< seconds since 1970; absent: never
};

/// Items of one owner.
constexpr int kMaxEndpointItems = 200;
/// What unprocessed() returns.
constexpr int kMaxUnprocessedItems = 500;

/// Hub and DFSPs have numbers of their own. No look-up finds an item for anybody but its owner.
/// Threads: share it freely. Errors: storage_unavailable.
class EndpointItemTable {
 public:
  using Owner = std::optional<std::string>;  ///< a DFSP; absent: the hub
  using Edit = std::function<Result<>(EndpointItem&)>;
  using Check = std::function<Result<>(const std::vector<EndpointItem>&)>;  ///< of all items of one owner

  explicit EndpointItemTable(Database& database) : database_(database) {}

  /// Adds it as NEW under a new number and returns it, or returns the one of the same owner, kind and value.
  /// Errors: conflict when its owner has as many as may be; what `check` refuses of the items that there would be.
  Result<EndpointItem> add(EndpointItem item, TimePoint now, const Check& check);
  /// In the order of their numbers.
  Result<std::vector<EndpointItem>> list(const Owner& owner);
  /// Those of all DFSPs that are NEW, in the order of their numbers: of each its oldest ones, and as many as of any
  /// other, where there are more than can be returned.
  Result<std::vector<EndpointItem>> unprocessed();
  Result<std::optional<EndpointItem>> find(const Owner& owner, std::int64_t id);
  /// Has `edit` alter state and value of the item, which nobody else changes meanwhile, and stores it.
  /// Errors: what `edit` refuses, and `check` of the items that there would be. Nothing when there is no such item.
  Result<std::optional<EndpointItem>> change(const Owner& owner, std::int64_t id, const Edit& edit, const Check& check);
  /// Has `check` look at the item, then removes it. Whether there was one.
  Result<bool> remove(const Owner& owner, std::int64_t id, const Edit& check);

 private:
  Database& database_;
};

}  // namespace hubseal::agent::store
