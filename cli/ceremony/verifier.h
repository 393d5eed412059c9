/// Whether a transcript tells what happened: with nothing but its text and the audit key.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/ceremony/transcript.h"
#include "common/bytes.h"

namespace hubseal::cli {

struct CeremonyVerdict {
  Transcript transcript;
  std::string origin;          ///< of the audit log
  std::uint64_t size = 0;      ///< records under the checkpoint
  std::vector<Json> records;   ///< of the log, of each step that was found good; only what they say is proven
  std::optional<Fault> fault;  ///< the first thing that is wrong
};

/// `keys` are SubjectPublicKeyInfo, one of which signed the checkpoint. `reviewed` is the file that was agreed on,
/// empty where it is not at hand: the transcript's own copy is proven by nothing else.
CeremonyVerdict verify_transcript(std::string_view text, const std::vector<Bytes>& keys, const std::string& reviewed);

/// That the answer to a step is what its audit record says, and that keys and certificates are what they claim.
/// Errors: policy_denied.
Result<> check_answer(const Transcript& transcript, std::size_t index, const Json& record);

}  // namespace hubseal::cli
