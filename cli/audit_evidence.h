/// What the daemon says of its audit log, checked here: nothing is taken on trust but the audit key.
#pragma once

#include <string>
#include <vector>

#include "cli/session.h"
#include "common/audit/verify.h"

namespace hubseal::cli {

/// SubjectPublicKeyInfo of a P-256 key from a PEM file. Errors: bad_request, naming the file.
Result<Bytes> read_audit_key(const std::string& file);

/// A checkpoint from a file, also one that was cut out of a file of several. Errors: bad_request, naming the file.
Result<std::string> read_checkpoint(const std::string& file);

/// The verdict on a copy. Errors: bad_request, naming the place, where it is no copy of a log that can be read.
Result<audit::Verdict> judge_copy(const audit::Evidence& evidence);

/// A checkpoint whose signature was verified.
struct SignedCheckpoint {
  audit::Checkpoint checkpoint;
  audit::SignedNote note;
};
/// Errors: policy_denied where none of `keys` signed it.
Result<SignedCheckpoint> check_note(const std::string& text, const std::vector<Bytes>& keys);

/// The proof of an answer. Errors: bad_request.
Result<std::vector<audit::Hash>> read_proof(const Json& answer);

/// The record as it stands in the log. Errors: not_found.
Result<std::string> fetch_record(const Session& session, std::uint64_t number);

/// A table of records for people.
std::string render_records(const Json& records);

}  // namespace hubseal::cli
