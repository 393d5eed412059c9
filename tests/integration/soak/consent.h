/// Consent in the long run: certificates that a person must agree to, from the first request to the issued
/// certificate or the rejection, each step by whichever client comes next.
#pragma once

#include <atomic>
#include <deque>
#include <optional>
#include <random>
#include <string>

#include "common/guarded.h"
#include "common/openssl.h"
#include "tests/integration/soak/ask.h"

namespace hubseal::test {

/// The approvers of the run and what waits for them.
/// Threads: share it freely, once `enter` has returned.
class Consent {
 public:
  static constexpr const char* kProfile = "consent-client";  ///< asks for one approval
  static constexpr const char* kKeyApprover = "soak-card";   ///< agrees, by its signature
  static constexpr const char* kUidApprover = "soak-login";  ///< the user who runs this: may only reject
  static constexpr std::size_t kMaxUnderWay = 16;

  Consent();
  /// What `add_approver` is asked before the run.
  Json key_approver() const;
  static Json uid_approver();

  /// The next step of one that is under way, or a first one; nothing when none fits this socket.
  std::optional<Ask> next(const std::string& socket, std::mt19937& random);
  /// An approver that votes for nothing is added, then removed.
  Ask change_approvers();

 private:
  enum class Step { voice, vote, finish };
  struct Case {
    Step step = Step::voice;
    std::string socket, request, csr;  ///< only the one who asked can finish
    std::string approval, statement;
  };

  Ask begin(const std::string& socket);
  Ask read_statement(Case waiting);
  Ask vote(Case waiting, const std::string& socket, std::mt19937& random);
  Ask finish(const Case& approved);
  std::optional<Case> take(const std::string& socket);

  PkeyPtr key_;
  Guarded<std::deque<Case>> cases_;
  Guarded<std::deque<std::string>> added_;  // approvers that can be removed
  std::atomic<unsigned> under_way_{0}, requests_{0}, approvers_{0};
};

}  // namespace hubseal::test
