#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/service/caller.h"
#include "agent/store/dfsp_table.h"
#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent {

/// Errors: bad_request: what cannot be a name in the daemon's register, or is the name of a route.
Result<> check_dfsp_id(std::string_view id);
/// Whether this is the hub's own id, in whatever letter case; none is where the hub has no id.
bool is_hub(const std::optional<std::string>& hub_id, std::string_view id);

/// The participants.
class Dfsps {
 public:
  /// `group_prefix` and its id is the security group of a DFSP that is added without one.
  Dfsps(store::DfspTable& table, const Clock& clock, std::string group_prefix = auth::GroupNames().dfsp_prefix,
        std::optional<std::string> hub_id = {})
      : table_(table), clock_(clock), group_prefix_(std::move(group_prefix)), hub_id_(std::move(hub_id)) {}

  /// Errors: bad_request (an id that cannot be a name in the daemon's register, or that a route
  /// takes; a currency that is none); conflict: there is one of this id, or it is the hub's.
  Result<> add(const Caller& caller, store::Dfsp dfsp);
  /// Those that this caller may see: the hub's people all, a DFSP itself.
  Result<std::vector<store::Dfsp>> list(const Caller& caller);
  /// Of all of them, in the order in which they were added.
  Result<std::vector<std::string>> ids();
  /// Whether the caller acts for this DFSP; not for one that does not exist.
  Result<bool> is_own(const auth::Identity& identity, std::string_view id);
  /// Whether its security group is the one that is given to a DFSP of its id.
  bool has_own_group(const store::Dfsp& dfsp) const { return dfsp.security_group == group_prefix_ + dfsp.id; }
  /// Errors: not_found.
  Result<> require(std::string_view id);
  Result<store::Dfsp> get(std::string_view id);
  /// Errors: not_found, bad_request.
  Result<store::Dfsp> change(const Caller& caller, std::string_view id, const store::DfspChange& change);
  /// With all that it has uploaded. Errors: not_found; conflict while there is, or may be, a certificate of it.
  Result<> remove(const Caller& caller, std::string_view id);
  /// Errors: not_found; forbidden: it speaks for nobody but itself.
  Result<> require_proxy(std::string_view id);

 private:
  store::DfspTable& table_;
  const Clock& clock_;
  const std::string group_prefix_;
  const std::optional<std::string> hub_id_;
};

}  // namespace hubseal::agent
