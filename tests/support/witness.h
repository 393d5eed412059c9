#pragma once

#include <string>

#include "common/audit/checkpoint.h"

namespace hubseal::test {

/// A witness as C2SP tlog-witness has it: an Ed25519 key under a name, which cosigns what it is given.
class Witness {
 public:
  explicit Witness(std::string name);

  /// "NAME+ID+KEY", for [audit] witnesses.
  const std::string& verifier_key() const { return verifier_key_; }
  /// The note with its cosignature of this second (since 1970) added.
  std::string cosign(const std::string& note, std::uint64_t time) const;

 private:
  const std::string name_;
  const PkeyPtr key_;
  std::string verifier_key_;
  audit::SignerId id_{};
};

}  // namespace hubseal::test
