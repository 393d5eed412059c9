#pragma once

#include <map>

#include "common/guarded.h"
#include "hsm/pause.h"
#include "hsm/signer.h"

namespace hubseal::hsm {

/// Keys over whose proof a generation was lost: a token may list a key before its material is usable, and say so with a
/// code that says the device failed, which ends everything. Such a key rests for a growing pause of its own, so that it
/// does not take the token from all others whenever somebody asks for it. Outlives every generation. Threads: share it
/// freely.
class HeldOut {
 public:
  explicit HeldOut(const TokenConfig& config) : config_(config) {}

  /// Once more: it rests longer.
  void add(const KeyId& id);
  /// It has made a signature.
  void remove(const KeyId& id) { rests_.lock()->erase(id); }
  void release_all() { rests_.lock()->clear(); }

  bool contains(const KeyId& id) { return rests_.lock()->contains(id); }
  /// Whether it is not to be tried yet.
  bool rests(const KeyId& id);

 private:
  const TokenConfig& config_;
  Guarded<std::map<KeyId, Pause>> rests_;
};

}  // namespace hubseal::hsm
