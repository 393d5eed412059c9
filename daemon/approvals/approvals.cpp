#include "daemon/approvals/approvals.h"

#include <algorithm>

#include <fmt/format.h>
#include <openssl/rand.h>
#include <nlohmann/json.hpp>

#include "common/bytes.h"
#include "common/key_types.h"
#include "common/number.h"
#include "daemon/approvals/statement.h"
#include "daemon/registry/instance_table.h"

namespace hubseal::daemon {
namespace {

constexpr std::size_t kNonceBytes = 16;
// Who floods its own queue floods no disk, and keeps nobody else out.
constexpr std::int64_t kMostOpen = 1000;         // of a program, which asks for everybody, or of an urgent operation
constexpr std::int64_t kMostOpenOfAPerson = 50;  // on admin.sock, of all that is not urgent
constexpr std::int64_t kBatch = 100;             // overdue ones that are looked at together

/// Over all that an approval is for. The content is text that we wrote ourselves, members in our order.
Bytes hash_of(const ApprovalRecord& wanted) {
  const Json covered = {{"operation", wanted.operation},
                        {"about", wanted.about},
                        {"content", wanted.content},
                        {"policy_version", wanted.policy_version},
                        {"needed", wanted.needed},
                        {"peer", wanted.peer},
                        {"uid", wanted.uid}};
  const auto digest = sha256(as_bytes(dump_json(covered)));
  return Bytes(digest.begin(), digest.end());
}

Result<Bytes> new_nonce() {
  Bytes nonce(kNonceBytes);
  if (RAND_bytes(nonce.data(), static_cast<int>(nonce.size())) != 1)
    return fail(Code::internal, "no random bytes for an approval");
  return nonce;
}

std::string id_text(std::int64_t id) { return fmt::format("a-{}", id); }

Result<std::int64_t> parse_id(std::string_view text) {
  const auto id = parse_number<std::int64_t>(text.starts_with("a-") ? text.substr(2) : std::string_view());
  // Written back, so that one approval has one name: a-017 is none.
  if (id && id_text(*id) == text) return *id;
  return fail(Code::not_found, fmt::format("there is no approval {}", text));
}

Result<> check_places(Database& database, const ApprovalRecord& wanted, bool person, TimePoint now) {
  const bool urgent = approval_table::urgent(wanted.operation);
  const std::int64_t most = person && !urgent ? kMostOpenOfAPerson : kMostOpen;
  if (TRY(approval_table::count_open(database, wanted, now)) < most) return {};
  return fail(Code::rate_limited,
              fmt::format("{} requests {}of uid {} through peer \"{}\" wait for approval already; wanted fewer", most,
                          urgent ? "for " + wanted.operation + " " : "", wanted.uid, wanted.peer));
}

Result<ApprovalRecord> find_or_add(Database& database, ApprovalRecord wanted, const Requester& requester, TimePoint now,
                                   const Approvals::Record& record) {
  auto known = TRY(approval_table::find_asked(database, wanted.hash, now));
  if (known && (known->open() || !requester.anew)) return *std::move(known);
  TRY(check_places(database, wanted, requester.person, now));
  wanted.id = TRY(approval_table::add(database, wanted));
  // Within the transaction: nobody reads the request, or votes on it, before the record is on disk.
  TRY(record(wanted));
  return wanted;
}

tl::unexpected<Error> refuse_rejected(const ApprovalRecord& approval) {
  return fail(Code::policy_denied,
              fmt::format("{} of {} was rejected ({}), which is over; who asks again must say that it is meant anew",
                          approval.operation, approval.about, id_text(approval.id)));
}

tl::unexpected<Error> refuse_waiting(const ApprovalRecord& approval) {
  const std::string id = id_text(approval.id);
  return tl::unexpected(Error{
      .code = Code::approval_required,
      .message = fmt::format("{} of {} needs {} approval{}; it waits as {} until {}. Ask again when it is approved",
                             approval.operation, approval.about, approval.needed, approval.needed == 1 ? "" : "s", id,
                             format_utc(approval.expires_at)),
      .approval = id});
}

}  // namespace

std::string approval_id(const ApprovalRecord& approval) { return id_text(approval.id); }

Result<> Grant::use(Database& database) const {
  if (!approval_) return {};
  return approval_table::use(database, *approval_, now_);
}

std::optional<std::string> Grant::approval() const {
  return approval_ ? std::optional(id_text(*approval_)) : std::nullopt;
}

Result<Grant> Approvals::authorize(const Requester& requester, const Policy& policy, unsigned needed,
                                   const Action& action, const Record& record) {
  if (needed == 0) return Grant();
  TRY(check_statement_line(action.about));
  const TimePoint now = clock_.now();
  ApprovalRecord wanted{.operation = action.operation,
                        .about = action.about,
                        .content = dump_json(action.content),
                        .policy_version = policy.version,
                        .needed = needed,
                        .peer = requester.peer,
                        .uid = requester.uid,
                        .created_at = now,
                        .expires_at = now + policy.approval_lifetime};
  wanted.hash = hash_of(wanted);
  wanted.nonce = TRY(new_nonce());
  // Looked for and added in one transaction: the same request in two connections waits once.
  const ApprovalRecord asked = TRY(registry_.write(
      [&](Database& database) { return find_or_add(database, std::move(wanted), requester, now, record); }));
  if (asked.state == ApprovalState::approved) return Grant(asked.id, now);
  if (asked.state == ApprovalState::rejected) return refuse_rejected(asked);
  return refuse_waiting(asked);
}

Result<ApprovalRecord> Approvals::find(std::string_view id) {
  const std::int64_t number = TRY(parse_id(id));
  auto found =
      TRY(registry_.read([&](Database& database) { return approval_table::find(database, number, clock_.now()); }));
  if (found) return *std::move(found);
  return fail(Code::not_found, fmt::format("there is no approval {}", id));
}

Result<std::vector<ApprovalRecord>> Approvals::list(const ApprovalQuery& query) {
  return registry_.read([&](Database& database) { return approval_table::list(database, query, clock_.now()); });
}

Result<std::vector<vote_table::Cast>> Approvals::votes(const ApprovalRecord& approval) {
  return registry_.read([&](Database& database) { return vote_table::list(database, approval.id); });
}

Result<std::string> Approvals::statement(const ApprovalRecord& approval, Decision decision) {
  const std::string instance = TRY(registry_.read(&instance_table::id));
  return approval_statement(instance, approval, decision);
}

Result<ApprovalRecord> Approvals::vote(const Policy& policy, const Vote& vote) {
  return registry_.write([&](Database& database) { return count_vote(database, vote, policy, clock_.now()); });
}

Result<std::vector<ApprovalRecord>> Approvals::withdraw(Database& database, const Moot& moot) const {
  auto open = TRY(approval_table::list_open_about(database, moot.about, clock_.now()));
  // A key or a CA may be called the same.
  std::erase_if(open, [&](const ApprovalRecord& approval) {
    return std::find(moot.operations.begin(), moot.operations.end(), approval.operation) == moot.operations.end();
  });
  for (const ApprovalRecord& approval : open) TRY(approval_table::withdraw(database, approval.id, moot.reason));
  return open;
}

Result<> Approvals::expire(const Record& record) {
  while (true) {
    const auto overdue = TRY(registry_.read(
        [&](Database& database) { return approval_table::list_overdue(database, clock_.now(), kBatch); }));
    if (overdue.empty()) return {};
    for (const ApprovalRecord& approval : overdue) TRY(record(approval));
    TRY(registry_.write([&](Database& database) -> Result<> {
      for (const ApprovalRecord& approval : overdue) TRY(approval_table::expire(database, approval.id));
      return {};
    }));
  }
}

}  // namespace hubseal::daemon
