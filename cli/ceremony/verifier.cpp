#include "cli/ceremony/verifier.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/audit_evidence.h"
#include "cli/ceremony/step_trace.h"
#include "common/x509/pem.h"

namespace hubseal::cli {
namespace {

tl::unexpected<Error> wrong(std::string problem) { return fail(Code::policy_denied, std::move(problem)); }

/// The record that the evidence has for a step: in the tree, and about this step.
Result<Json> check_record(const Transcript& transcript, std::size_t index, const audit::Checkpoint& checkpoint) {
  const DoneStep& done = transcript.done[index];
  const std::string& line = transcript.evidence->records[index];
  const auto proof = TRY(read_proof(transcript.evidence->proofs[index]));
  if (done.record == 0 || done.record > checkpoint.size ||
      !audit::verify_inclusion(audit::leaf_hash(as_bytes(line)), done.record - 1, checkpoint.size, proof,
                               checkpoint.root))
    return wrong(fmt::format("record {} is not proven to be in the log that was signed", done.record));
  const Json record = TRY(parse_json(line));
  if (member_of(record, "seq") != Json(done.record))
    return wrong(fmt::format("record {} says that it is number {}", done.record, text_of(record, "seq")));
  if (const std::string difference = differs(record, transcript.script.steps[index], done.asked); !difference.empty())
    return wrong(fmt::format("record {} is not of this step: {}", done.record, difference));
  TRY(check_answer(transcript, index, record));
  return record;
}

/// Steps were asked one after the other: their records stand in that order, each behind what the log had before.
Result<> check_order(const Transcript& transcript, std::size_t index) {
  const DoneStep& done = transcript.done[index];
  const std::uint64_t before = index == 0 ? 0 : transcript.done[index - 1].record;
  if (done.asked.records < before)
    return wrong(fmt::format("it was asked when the log had {} records, before the step before it was done (record {})",
                             done.asked.records, before));
  if (done.record <= done.asked.records)
    return wrong(fmt::format("record {} was there before the step was asked for", done.record));
  return {};
}

Result<audit::Checkpoint> check_checkpoint(const Transcript& transcript, const std::vector<Bytes>& keys) {
  const Evidence& evidence = *transcript.evidence;
  const SignedCheckpoint checked = TRY(check_note(evidence.note, keys));
  if (checked.checkpoint.origin != "hubseal/" + transcript.room.instance)
    return wrong(fmt::format("the checkpoint is of {}, the ceremony was held with hubseal/{}",
                             checked.checkpoint.origin, transcript.room.instance));
  const Bytes named = TRY(x509::der_of_pem(evidence.public_key, {"PUBLIC KEY"}));
  for (const Bytes& key : keys)
    if (key == named) return checked.checkpoint;
  return wrong("the audit key that the transcript names is another one");
}

void judge(CeremonyVerdict& verdict, const std::vector<Bytes>& keys, std::size_t lines) {
  const Transcript& transcript = verdict.transcript;
  if (!transcript.ended) {
    verdict.fault = {lines + 1, fmt::format("is missing: {} of {} steps are done, and the ceremony has no end",
                                            transcript.done.size(), transcript.script.steps.size())};
    return;
  }
  const auto checkpoint = check_checkpoint(transcript, keys);
  if (!checkpoint) {
    verdict.fault = {transcript.evidence->line, checkpoint.error().message};
    return;
  }
  verdict.origin = checkpoint->origin;
  verdict.size = checkpoint->size;
  for (std::size_t i = 0; i < transcript.done.size(); ++i) {
    auto record = check_order(transcript, i).and_then([&] { return check_record(transcript, i, *checkpoint); });
    if (!record) {
      verdict.fault = {
          transcript.done[i].line,
          fmt::format("step {} ({}): {}", i + 1, name_of(transcript.script.steps[i]), record.error().message)};
      return;
    }
    verdict.records.push_back(*std::move(record));
  }
}

}  // namespace

CeremonyVerdict verify_transcript(std::string_view text, const std::vector<Bytes>& keys, const std::string& reviewed) {
  CeremonyVerdict verdict;
  TranscriptReading reading = read_transcript(text);
  verdict.transcript = std::move(reading.transcript);
  verdict.fault = std::move(reading.fault);
  if (!verdict.fault && !reviewed.empty() && reviewed != verdict.transcript.script.text)
    verdict.fault = {1, fmt::format("is of another file than the one that was reviewed, with SHA-256 {}",
                                    verdict.transcript.script.sha256)};
  if (!verdict.fault) judge(verdict, keys, static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')));
  return verdict;
}

}  // namespace hubseal::cli
