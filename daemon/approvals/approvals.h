#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/clock.h"
#include "common/json.h"
#include "common/result.h"
#include "daemon/approvals/voting.h"
#include "daemon/policy/policy.h"
#include "daemon/registry/approval_table.h"
#include "daemon/registry/registry.h"

namespace hubseal::daemon {

/// Something that is about to be done, exactly: what approvals cover.
struct Action {
  std::string operation;
  std::string about;      ///< participant, key or CA, for lists; no control characters
  Json content;           ///< all that decides what will happen, and nothing that differs when asked again
  unsigned at_least = 0;  ///< people, where policy asks for fewer for the operation
};

/// Who asks.
struct Requester {
  std::string peer;  ///< entry of the configuration
  std::int64_t uid = 0;
  bool person = false;  ///< on admin.sock; elsewhere one uid asks for everybody
  bool anew = false;    ///< makes a new request where the same was rejected
};

/// The right to do one action once. It is used up in the transaction that does the action:
///   registry.write([&](Database& database) -> Result<> { TRY(grant.use(database)); ... });
class Grant {
 public:
  /// Where policy asks for nobody.
  Grant() = default;
  Grant(std::int64_t approval, TimePoint now) : approval_(approval), now_(now) {}

  /// Errors: conflict, when somebody else used it first.
  Result<> use(Database& database) const;
  /// "a-17"; nothing where nobody had to agree.
  std::optional<std::string> approval() const;

 private:
  std::optional<std::int64_t> approval_;
  TimePoint now_{};
};

/// "a-17"
std::string approval_id(const ApprovalRecord& approval);

/// Requests that need the consent of other people: kept until these have spoken.
/// Threads: share it freely.
class Approvals {
 public:
  Approvals(Registry& registry, const Clock& clock) : registry_(registry), clock_(clock) {}

  /// The right to do `action` if `needed` others have agreed to exactly this, asked by this requester
  /// under this policy. Otherwise the request is kept, once, and waits.
  /// A rejected request is over: the same makes a new one when it is asked `anew`, which needs all consents anew.
  /// Errors: approval_required with the approval's id; policy_denied when it was rejected and is not asked anew, for as
  /// long as it would have waited; rate_limited when too many requests of this uid wait, urgent operations counted
  /// apart; those of `record`. What is kept for the first time is recorded by `record` before anybody can see it or
  /// agree to it.
  using Record = std::function<Result<>(const ApprovalRecord&)>;
  Result<Grant> authorize(const Requester& requester, const Policy& policy, unsigned needed, const Action& action,
                          const Record& record);

  /// The request called `id` ("a-17"). Errors: not_found.
  Result<ApprovalRecord> find(std::string_view id);
  Result<std::vector<ApprovalRecord>> list(const ApprovalQuery& query);
  Result<std::vector<vote_table::Cast>> votes(const ApprovalRecord& approval);

  /// What is signed to say `decision` about it (statement.h).
  Result<std::string> statement(const ApprovalRecord& approval, Decision decision);
  /// Counts a vote under the policy in force. Errors: those of count_vote.
  Result<ApprovalRecord> vote(const Policy& policy, const Vote& vote);

  /// What nobody can do any more: these operations about this, and why.
  struct Moot {
    std::vector<std::string_view> operations;
    std::string about;
    std::string reason;
  };
  /// Ends what still waits for consent to that, as rejected, in a transaction of the caller's; which they were.
  Result<std::vector<ApprovalRecord>> withdraw(Database& database, const Moot& moot) const;

  /// Writes down what is past its time, after `record` has recorded it: once, or once more after a crash
  /// between the two.
  Result<> expire(const Record& record);

 private:
  Registry& registry_;
  const Clock& clock_;
};

}  // namespace hubseal::daemon
