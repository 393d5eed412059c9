#include "daemon/places.h"

#include <algorithm>

namespace hubseal::daemon {

Places::Places(unsigned most) : most_(most), kept_(std::min(most / 2, std::max(2U, most / 8))) {}

bool Places::enter(uid_t uid) {
  const auto known = held_.find(uid);
  const unsigned held = known == held_.end() ? 0 : known->second;
  const unsigned limit = held < kept_ ? most_ : most_ - kept_;
  if (taken_ >= limit) return false;
  ++taken_;
  held_[uid] = held + 1;
  return true;
}

void Places::leave(uid_t uid) {
  --taken_;
  if (const auto known = held_.find(uid); --known->second == 0) held_.erase(known);
}

}  // namespace hubseal::daemon
