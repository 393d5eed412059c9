#pragma once

#include <cstdint>
#include <optional>

#include "common/bytes.h"
#include "daemon/registry/sqlite.h"

namespace hubseal::daemon {

/// What the registry remembers of a checkpoint of the audit log, so that neither can be put back without the other.
struct CheckpointMark {
  std::uint64_t size = 0;  ///< records
  Bytes root;
  bool operator==(const CheckpointMark&) const = default;
};

/// The last checkpoint that is in the file, and the next one while it is on its way there.
struct CheckpointMarks {
  CheckpointMark last;
  std::optional<CheckpointMark> next;
  bool in_token = false;  ///< the token has one as well
};

namespace checkpoint_table {

Result<std::optional<CheckpointMarks>> find(Database& database);
/// Before a checkpoint is written to the log.
Result<> announce(Database& database, const CheckpointMark& next);
/// Once it is there.
Result<> confirm(Database& database, const CheckpointMark& last, bool in_token);

}  // namespace checkpoint_table
}  // namespace hubseal::daemon
