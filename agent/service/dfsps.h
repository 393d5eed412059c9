#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/service/caller.h"
#include "agent/store/dfsp_table.h"
#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent {

/// The participants.
class Dfsps {
 public:
  /// `group_prefix` and its id is the security group of a DFSP that is added without one.
  Dfsps(store::DfspTable& table, const Clock& clock, std::string group_prefix = auth::GroupNames().dfsp_prefix)
      : table_(table), clock_(clock), group_prefix_(std::move(group_prefix)) {}

  /// Errors: bad_request (an id that cannot be a name in the daemon's register, or that a route
  /// takes), conflict.
  Result<> add(const Caller& caller, store::Dfsp dfsp);
  /// Those that this caller may see: the hub's people all, a DFSP itself.
  Result<std::vector<store::Dfsp>> list(const Caller& caller);
  /// Whether the caller acts for this DFSP; not for one that does not exist.
  Result<bool> is_own(const auth::Identity& identity, std::string_view id);
  /// Errors: not_found.
  Result<> require(std::string_view id);

 private:
  store::DfspTable& table_;
  const Clock& clock_;
  const std::string group_prefix_;
};

}  // namespace hubseal::agent
