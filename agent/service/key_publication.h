#pragma once

#include <chrono>

#include "agent/publish/key_folder.h"
#include "agent/service/rounds.h"
#include "agent/service/verification_keys.h"

namespace hubseal::agent {

/// Keeps a folder as the keys are: looks again and again, so that it makes no difference who changed what: a
/// participant here or at another agent, or the security team at the signing host. What cannot be read changes nothing.
/// Owns: a thread.
class KeyPublication {
 public:
  static constexpr std::chrono::seconds kPause{2};

  KeyPublication(VerificationKeys& keys, publish::KeyFolder folder)
      : keys_(keys), folder_(std::move(folder)), rounds_(kPause, [this] { return look(), true; }) {}

  void stop() { rounds_.stop(); }

 private:
  void look();
  Result<publish::KeyFolder::Changes> publish();

  VerificationKeys& keys_;
  const publish::KeyFolder folder_;
  bool failed_ = false;  // the last time; of the thread alone
  Rounds rounds_;        // the last one: its thread uses the others
};

}  // namespace hubseal::agent
