#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/service/caller.h"
#include "agent/service/endpoint_values.h"
#include "agent/store/endpoint_item_table.h"
#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent {

/// The addresses and URLs at which hub and DFSPs send and receive, one item each, for people to confirm.
/// Callers have made sure that a DFSP exists.
class EndpointItems {
 public:
  using Item = store::EndpointItem;
  using Owner = store::EndpointItemTable::Owner;  ///< a DFSP; absent: the hub

  struct Kind {
    std::string_view direction;  ///< "INGRESS" or "EGRESS"
    std::string_view type;       ///< "IP" or "URL"
  };

  /// What an item is to become. Its kind cannot change: where it is named, it must be the one that the item has.
  struct Change {
    std::optional<EndpointValue> value = {};
    std::optional<std::string> state = {};
    std::optional<std::string> direction = {};
    std::optional<std::string> type = {};
  };

  EndpointItems(store::EndpointItemTable& table, const Clock& clock) : table_(table), clock_(clock) {}

  /// The same value again is the same item. Errors: bad_request; conflict (as many, or as wide together, as may be).
  Result<Item> add(const Caller& caller, const Owner& owner, const Kind& kind, const EndpointValue& value);
  Result<std::vector<Item>> list(const Owner& owner) { return table_.list(owner); }
  Result<std::vector<Item>> list(const Owner& owner, const Kind& kind);
  /// Those that are NEW.
  Result<std::vector<Item>> unprocessed(const std::string& dfsp_id);
  /// Those of all DFSPs, at most store::kMaxUnprocessedItems, oldest first.
  Result<std::vector<Item>> unprocessed() { return table_.unprocessed(); }

  // With `kind`, also bad_request where the item is of another one. Errors: not_found, also for the item of another
  // owner.
  Result<Item> get(const Owner& owner, std::int64_t id, const std::optional<Kind>& kind);
  /// A DFSP's item is NEW again when its value changes: nobody has confirmed that one. Only the hub's items change
  /// their state here, without `kind`; for a DFSP's there is confirm().
  Result<Item> change(const Caller& caller, const Owner& owner, std::int64_t id, const std::optional<Kind>& kind,
                      const Change& change);
  Result<> remove(const Caller& caller, const Owner& owner, std::int64_t id, const std::optional<Kind>& kind);
  /// Whether it is certain that who confirms an item has read what it says now.
  enum class Seen { certain, unknown };
  /// CONFIRMED, whatever it was before. Errors: not_found; conflict (it has changed a moment ago, and who confirms it
  /// may have read what it said before).
  Result<Item> confirm(const Caller& caller, const std::string& dfsp_id, std::int64_t id, Seen seen);

 private:
  store::EndpointItemTable& table_;
  const Clock& clock_;
};

}  // namespace hubseal::agent
