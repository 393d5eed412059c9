#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "common/guarded.h"
#include "daemon/approvals/approvals.h"
#include "daemon/gate.h"
#include "daemon/registry/registry.h"
#include "daemon/registry/seal_table.h"

namespace hubseal::daemon {

/// The switch that stops all signing. Anybody with the right to it may close it alone and at once; it stays closed
/// across restarts, and opening it takes the people that policy asks for (`unseal`).
/// Audit checkpoints are signed all the same: they say what happened.
/// Threads: share it freely.
class Seal {
 public:
  /// How long who seals waits for the signatures that are being made. Not in here: whoever asks for the seal meanwhile,
  /// or lifts it, waits for none.
  static constexpr std::chrono::seconds kPatience{10};

  Seal(Registry& registry, Gate& gate) : registry_(registry), gate_(gate) {}

  /// At a start: what the registry says.
  Result<> restore();
  /// Closes the gate first, whatever comes of the rest; when this returns nothing begins to sign any more and a restart
  /// will not change that. Where it is sealed already the newest reason stands, and the seals are counted: who agreed
  /// to lift the earlier one has not agreed to lift this. Errors: storage_unavailable (sealed until the next start
  /// only).
  Result<SealRecord> set(SealRecord seal);
  /// Lifts the seal that `agreed` shows, or nothing where there is none, and uses the grant up; `also` is written with
  /// it. Errors: conflict (somebody has sealed since), and those of `grant`.
  Result<> lift(const std::optional<SealRecord>& agreed, const Grant& grant,
                const std::function<Result<>(Database&)>& also = {});
  std::optional<SealRecord> record() const { return *sealed_.lock(); }

 private:
  void close_gate(const SealRecord& seal);

  Registry& registry_;
  Gate& gate_;
  mutable Guarded<std::optional<SealRecord>> sealed_;
};

}  // namespace hubseal::daemon
