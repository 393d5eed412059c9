#include "hsm/held_out.h"

#include <algorithm>

#include "common/log.h"

namespace hubseal::hsm {
namespace {

/// Each try may cost a generation, which others are using.
constexpr std::chrono::minutes kLongest{10};

}  // namespace

void HeldOut::add(const KeyId& id) {
  log::warning("the token was lost when this key was to prove itself; it is left alone for a while",
               {{"key", to_string(id)}});
  (*rests_.lock())[id].begin(config_, std::max<std::chrono::milliseconds>(config_.retry_last, kLongest));
}

bool HeldOut::rests(const KeyId& id) {
  auto rests = rests_.lock();
  const auto found = rests->find(id);
  return found != rests->end() && !found->second.over(config_);
}

}  // namespace hubseal::hsm
