#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "daemon/registry/sqlite.h"

namespace hubseal::daemon {

/// How far one key for JWS has taken over from another.
enum class RotationStep {
  prepared,   ///< the next key is in the token, and nobody has been shown it
  published,  ///< both are shown to verifiers; the old one signs
  activated,  ///< both are shown; the next one signs
  retired,    ///< the old one can sign no more, and is shown for as long as what it signed is under way
  withdrawn,  ///< the old one is shown no more
  ended,      ///< the old one is to be destroyed
  cancelled,  ///< before the next one had signed anything: it is to be destroyed
};
constexpr std::array<std::pair<std::string_view, RotationStep>, 7> kRotationSteps = {
    {{"prepared", RotationStep::prepared},
     {"published", RotationStep::published},
     {"activated", RotationStep::activated},
     {"retired", RotationStep::retired},
     {"withdrawn", RotationStep::withdrawn},
     {"ended", RotationStep::ended},
     {"cancelled", RotationStep::cancelled}}};
std::string_view to_string(RotationStep step);

/// When a rotation goes on by itself. 0 hours: when people say so.
struct RotationPlan {
  std::chrono::hours activate{0};  ///< after it was published; without, that waits for people as well
  std::chrono::hours retire{0};    ///< after it was activated
  std::chrono::hours destroy{0};   ///< after the old one retired; not before the overlap is over
  std::chrono::hours overlap{24};  ///< for which the old one is shown after it retired; never waits for people

  bool operator==(const RotationPlan&) const = default;
};

struct RotationRecord {
  std::string predecessor, successor;  ///< labels of keys
  RotationStep step = RotationStep::prepared;
  TimePoint started_at{};
  TimePoint since{};  ///< of this step
  RotationPlan plan;
  std::optional<TimePoint> due_at;  ///< when the next step comes by itself
  std::chrono::seconds wait{0};     ///< for which hubseald has to run first, whatever the clock says
};

/// Which keys took over from which, and how.
namespace rotation_table {

/// Errors: conflict: another key takes over from this one already.
Result<> add(Database& database, const RotationRecord& rotation);
/// Writes step and times of one that is there.
Result<> update(Database& database, const RotationRecord& rotation);
/// Oldest first.
Result<std::vector<RotationRecord>> list(Database& database);

}  // namespace rotation_table
}  // namespace hubseal::daemon
