#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "cli/audit_evidence.h"
#include "cli/ceremony/room.h"
#include "cli/input_output.h"

namespace hubseal::cli {
namespace {

constexpr std::chrono::seconds kPause{1};

std::uint64_t size_of(const Json& answer) {
  const Json& size = member_of(answer, "size");
  return size.is_number_unsigned() ? size.get<std::uint64_t>() : 0;
}

/// Nothing where another checkpoint was made between two questions.
Result<std::optional<Evidence>> prove(const Session& session, const Json& head, const std::vector<DoneStep>& done) {
  Evidence evidence;
  evidence.note = text_of(head, "note");
  evidence.public_key = text_of(head, "public_key");
  for (const DoneStep& step : done) {
    const Json answer = TRY(session.call("prove_record", {{"record", step.record}}));
    if (size_of(answer) != size_of(head)) return std::nullopt;
    evidence.records.push_back(TRY(fetch_record(session, step.record)));
    evidence.proofs.push_back({{"proof", member_of(answer, "proof")}});
  }
  return evidence;
}

}  // namespace

Result<Evidence> gather_evidence(const Session& session, const std::vector<DoneStep>& done,
                                 std::chrono::seconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  print_progress("waiting for a checkpoint of the audit log that covers the steps...\n");
  while (true) {
    const Json head = TRY(session.call("get_checkpoint", Json::object()));
    if (size_of(head) >= done.back().record)
      if (auto evidence = TRY(prove(session, head, done))) return *std::move(evidence);
    if (std::chrono::steady_clock::now() >= end)
      return fail(Code::hsm_busy,
                  fmt::format("all steps are done, but after {} seconds no checkpoint covers record {} yet (checkpoint_"
                              "seconds of hubseald.toml)",
                              patience.count(), done.back().record));
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace hubseal::cli
