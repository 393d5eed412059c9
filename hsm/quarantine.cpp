#include "hsm/quarantine.h"

#include "common/log.h"

namespace hubseal::hsm {

void Quarantine::add(const KeyId& id, std::string_view label, const std::string& reason) {
  if (!keys_.lock()->try_emplace(id, reason).second) return;
  log::error("key quarantined", {{"key", to_string(id)}, {"label", std::string(label)}, {"reason", reason}});
}

std::optional<std::string> Quarantine::reason(const KeyId& id) {
  auto keys = keys_.lock();
  const auto found = keys->find(id);
  if (found == keys->end()) return std::nullopt;
  return found->second;
}

}  // namespace hubseal::hsm
