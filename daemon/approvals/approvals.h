#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "common/clock.h"
#include "common/json.h"
#include "common/result.h"
#include "daemon/policy/policy.h"
#include "daemon/registry/registry.h"

namespace hubseal::daemon {

/// Something that is about to be done, exactly: what approvals cover.
struct Action {
  std::string operation;
  std::string about;  ///< participant, key or CA, for lists
  Json content;       ///< all that decides what will happen, and nothing that differs when asked again
};

/// Who asks.
struct Requester {
  std::string peer;  ///< entry of the configuration
  std::int64_t uid = 0;
};

/// The right to do one action once. It is used up in the transaction that does the action:
///   registry.write([&](Database& database) -> Result<> { TRY(grant.use(database)); ... });
class Grant {
 public:
  /// Where policy asks for nobody.
  Grant() = default;
  Grant(std::int64_t approval, TimePoint now) : approval_(approval), now_(now) {}

  /// Errors: conflict, when somebody else used it first.
  Result<> use(Database& database) const;
  /// "a-17"; nothing where nobody had to agree.
  std::optional<std::string> approval() const;

 private:
  std::optional<std::int64_t> approval_;
  TimePoint now_{};
};

/// Requests that need the consent of other people: kept until these have spoken.
/// Threads: share it freely.
class Approvals {
 public:
  Approvals(Registry& registry, const Clock& clock) : registry_(registry), clock_(clock) {}

  /// The right to do `action` if `needed` others have agreed to exactly this, asked by this requester
  /// under this policy. Otherwise the request is recorded, once, and waits.
  /// Errors: approval_required with the approval's id.
  Result<Grant> authorize(const Requester& requester, const Policy& policy, unsigned needed, const Action& action);

 private:
  Registry& registry_;
  const Clock& clock_;
};

}  // namespace hubseal::daemon
