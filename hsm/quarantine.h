#pragma once

#include <map>
#include <optional>
#include <string>

#include "common/guarded.h"
#include "hsm/signer.h"

namespace hubseal::hsm {

/// Keys that must not sign until this process is restarted, and why. Outlives every generation, so
/// that a key is not forgiven because the token was plugged in again.
/// Threads: share it freely.
class Quarantine {
 public:
  /// Logs it the first time.
  void add(const KeyId& id, std::string_view label, const std::string& reason);
  std::optional<std::string> reason(const KeyId& id);

 private:
  Guarded<std::map<KeyId, std::string>> keys_;
};

}  // namespace hubseal::hsm
