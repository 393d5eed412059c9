#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "daemon/registry/sqlite.h"

namespace hubseal::daemon {

/// What the registry remembers of a checkpoint of the audit log, so that neither can be put back without the other.
struct CheckpointMark {
  std::uint64_t size = 0;  ///< records
  Bytes root;
  bool operator==(const CheckpointMark&) const = default;
};

/// The last checkpoint that is known to be in the file, and those on their way there: a crash or a failed write may
/// have left any of them in the file or in the token.
struct CheckpointMarks {
  CheckpointMark last;
  std::vector<CheckpointMark> announced;
  bool in_token = false;  ///< the token has one as well
};

/// What a start has found to be of an older time. What is written after that must not hide it.
struct OldState {
  std::string lost_work;      ///< what no later start would see any more, in words; empty: marks tell it at each start
  std::uint64_t records = 0;  ///< that the log held when that start began
  Bytes root;                 ///< of these records
  std::uint64_t changes = 0;  ///< that the registry had taken then
};

namespace checkpoint_table {

Result<std::optional<CheckpointMarks>> find(Database& database);
/// Before a checkpoint is written to the log.
Result<> announce(Database& database, const CheckpointMark& next);
/// Once it is there; what was announced before is forgotten.
Result<> confirm(Database& database, const CheckpointMark& last, bool in_token);

Result<std::optional<OldState>> find_old_state(Database& database);
/// Of what was noted before only the words change.
Result<> note_old_state(Database& database, const OldState& found);
Result<> forget_old_state(Database& database);

/// How many records the audit log had at the last transaction, and that this counts no more.
Result<std::uint64_t> records_seen(Database& database);
Result<> forget_records_seen(Database& database);

}  // namespace checkpoint_table
}  // namespace hubseal::daemon
