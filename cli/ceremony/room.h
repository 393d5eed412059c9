/// What a ceremony asks the daemon besides its steps. Nothing here changes anything.
#pragma once

#include "cli/ceremony/transcript.h"
#include "cli/session.h"

namespace hubseal::cli {

/// Which daemon it is. Errors: forbidden where this user may not read the audit log.
Result<Room> look_at_room(const Session& session);

/// That the policy in force is the one that the file names.
Result<> check_policy(const Session& session, const Script& script);

/// That what the steps from `first` (from 0) on will make is not there, and that the CAs will be granted.
/// Errors: conflict, naming the step.
Result<> check_nothing_there(const Session& session, const Script& script, std::size_t first);

/// How many records the audit log has.
Result<std::uint64_t> count_records(const Session& session);

struct Found {
  std::uint64_t record = 0;  ///< 0: there is none
};
/// The newest record behind `asked.records` that says that the step was done.
Result<Found> find_record(const Session& session, const CeremonyStep& step, const Asked& asked);

/// What the daemon says by now of what the step made or changed: in place of an answer that was not seen.
/// Errors: not_found where it is not there after all.
Result<Json> look_up(const Session& session, const CeremonyStep& step);

/// Records and proofs of all steps, when a checkpoint covers them: at most `patience` from now.
/// Errors: hsm_busy when there is none by then.
Result<Evidence> gather_evidence(const Session& session, const std::vector<DoneStep>& done,
                                 std::chrono::seconds patience);

}  // namespace hubseal::cli
