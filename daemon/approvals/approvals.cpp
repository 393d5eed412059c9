#include "daemon/approvals/approvals.h"

#include <fmt/format.h>
#include <openssl/rand.h>
#include <nlohmann/json.hpp>

#include "common/bytes.h"
#include "daemon/registry/approval_table.h"

namespace hubseal::daemon {
namespace {

constexpr std::size_t kNonceBytes = 16;

/// Over all that an approval is for. The content is text that we wrote ourselves, members in our order.
Bytes hash_of(const ApprovalRecord& wanted) {
  const Json covered = {{"operation", wanted.operation},
                        {"content", wanted.content},
                        {"policy_version", wanted.policy_version},
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

}  // namespace

Result<> Grant::use(Database& database) const {
  if (!approval_) return {};
  return approval_table::use(database, *approval_, now_);
}

std::optional<std::string> Grant::approval() const {
  return approval_ ? std::optional(id_text(*approval_)) : std::nullopt;
}

Result<Grant> Approvals::authorize(const Requester& requester, const Policy& policy, unsigned needed,
                                   const Action& action) {
  if (needed == 0) return Grant();
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
  const ApprovalRecord open = TRY(registry_.write([&](Database& database) -> Result<ApprovalRecord> {
    if (auto known = TRY(approval_table::find_open(database, wanted.hash, now))) return *std::move(known);
    wanted.id = TRY(approval_table::add(database, wanted));
    return wanted;
  }));
  if (open.state == ApprovalState::approved) return Grant(open.id, now);
  const std::string id = id_text(open.id);
  return tl::unexpected(Error{.code = Code::approval_required,
                              .message = fmt::format("{} of {} needs {} approval{}; it waits as {} until {}. Ask again "
                                                     "when it is approved",
                                                     open.operation, open.about, open.needed,
                                                     open.needed == 1 ? "" : "s", id, format_utc(open.expires_at)),
                              .approval = id});
}

}  // namespace hubseal::daemon
