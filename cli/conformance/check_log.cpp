// The audit log, as it proves itself.
#include <fmt/format.h>

#include "cli/conformance/checks.h"
#include "cli/conformance/words.h"

namespace hubseal::cli::conformance::checks {
namespace {

constexpr std::chrono::seconds kCovered{600};  // hubseald stops signing when it has made none for ten periods of 60 s

}  // namespace

Finding merkle_tree(const Installation& found) {
  Finding finding;
  if (!found.log) {
    finding.unseen("the audit log", found.log.error());
    return finding;
  }
  const Log& log = *found.log;
  std::vector<std::string> faults;
  if (!log.signature_good) faults.emplace_back("its checkpoint is not signed by the audit key: nothing can be proven");
  if (log.signature_good && !log.first_in_tree) faults.emplace_back("record 1 is not proven to be in it");
  if (log.signature_good && !log.last_in_tree)
    faults.push_back(fmt::format("record {} is not proven to be in it", log.size));
  if (log.signature_good && !log.consistent) faults.emplace_back("it is not proven to begin with its first record");
  finding.judge(fmt::format("tree of {} records: its first and its last record are proven to be in it", log.size),
                faults);
  finding.note("that it only grew is for who kept an earlier checkpoint: hubseal audit compare, hubseal audit verify");
  return finding;
}

Finding checkpoints(const Installation& found) {
  Finding finding;
  if (!found.log) {
    finding.unseen("checkpoints", found.log.error());
    return finding;
  }
  const Log& log = *found.log;
  if (log.signature_good)
    finding.good(fmt::format("checkpoint of {}: {} records, signed by the audit key", log.origin, log.size));
  else
    finding.bad(fmt::format("checkpoint of {}: not signed by the audit key", log.origin));
  if (log.uncovered) {
    const auto age = std::chrono::seconds(found.now - *log.uncovered).count();
    finding.judge(fmt::format("the oldest record after it is {} s old", age),
                  age > kCovered.count() ? std::vector<std::string>{"wanted a checkpoint within ten minutes"}
                                         : std::vector<std::string>());
  } else {
    finding.good("every record is covered");
  }
  for (const Cosignature& cosignature : log.cosignatures)
    finding.good(
        fmt::format("cosigned by {} at {}, as hubseald has verified", cosignature.witness, format_utc(cosignature.at)));
  if (log.cosignatures.empty()) finding.lacking("no witness has cosigned it");
  return finding;
}

}  // namespace hubseal::cli::conformance::checks
