/// What a ceremony leaves behind: JSON Lines, each with the SHA-256 of the line before it ("before").
/// docs/OPERATIONS.md, section 2, says what stands in them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/ceremony/script.h"
#include "common/json.h"
#include "common/result.h"

namespace hubseal::cli {

constexpr int kTranscriptVersion = 1;
constexpr std::size_t kMaxTranscriptBytes = 16 << 20;

/// The daemon that a ceremony is held with.
struct Room {
  std::string instance;  ///< which registry it is; audit log and approvals bear the name
  std::string version;
  std::string token;  ///< label
  std::string token_serial;
};

/// What was about to be asked: written before it is.
struct Asked {
  std::uint64_t records = 0;  ///< that the audit log had
  std::uint32_t uid = 0;      ///< who asked
};

struct DoneStep {
  std::size_t line = 0;
  Asked asked;
  std::string time;
  Json reply;
  std::uint64_t record = 0;  ///< number in the audit log
};

/// The signed end: the records of the steps are in the tree of this checkpoint.
struct Evidence {
  std::size_t line = 0;
  std::string note;
  std::string public_key;
  std::vector<std::string> records;  ///< of each step, byte for byte
  std::vector<Json> proofs;          ///< of each step: {"proof": [hashes in base64]}
};

struct Transcript {
  Script script;
  std::string hubseal;  ///< version of the command line
  Room room;
  std::string time;
  std::uint32_t uid = 0;
  std::vector<DoneStep> done;
  std::optional<Asked> pending;  ///< asked for and not known to be done
  bool policy_changed = false;   ///< a step has loaded another one
  std::optional<Evidence> evidence;
  bool ended = false;
  std::string last_line;  ///< SHA-256
};

/// Why a transcript is none.
struct Fault {
  std::size_t line = 0;  ///< from 1
  std::string problem;
};

/// What the text says up to where something is wrong. A text that ends between two lines is right as far as it goes.
struct TranscriptReading {
  Transcript transcript;
  std::optional<Fault> fault;
};
TranscriptReading read_transcript(std::string_view text);

/// SHA-256 of a line without its line feed, hexadecimal.
std::string line_hash(std::string_view line);
/// Whether the request that a line holds is that of the step.
bool asks_for(const Json& request, const CeremonyStep& step);
/// What stands before the first line.
std::string no_line();

Json header_line(const Script& script, const Room& room, const std::string& time, std::uint32_t uid);
Json asked_line(std::size_t number, const CeremonyStep& step, const Asked& asked, const std::string& time);
Json done_line(std::size_t number, const CeremonyStep& step, const Json& reply, std::uint64_t record,
               const std::string& time);
Json refused_line(std::size_t number, const Error& error, const std::string& time);
Json evidence_line(const Evidence& evidence);
/// The last one. It holds nothing of its own: it is there so that the line before it has one behind it.
Json end_line();

}  // namespace hubseal::cli
