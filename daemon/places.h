#pragma once

#include <sys/types.h>

#include <map>

namespace hubseal::daemon {

/// Who may still come in at one socket. An eighth of the places, at least two, is kept for uids that hold few: one uid
/// alone cannot take them all, and so not keep the others out.
/// Threads: one at a time.
class Places {
 public:
  explicit Places(unsigned most);

  /// Whether `uid` gets a place; leave() gives it back.
  bool enter(uid_t uid);
  void leave(uid_t uid);

  unsigned kept() const { return kept_; }

 private:
  const unsigned most_;
  const unsigned kept_;  // no more than half: a socket with a single place has one
  unsigned taken_ = 0;
  std::map<uid_t, unsigned> held_;  // only of those that hold some
};

}  // namespace hubseal::daemon
