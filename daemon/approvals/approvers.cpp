#include "daemon/approvals/approvers.h"

#include <algorithm>

#include <fmt/format.h>

namespace hubseal::daemon {
namespace {

constexpr std::string_view kOperation = "change_approvers";

Result<Approvers::Consent> consent_in(Database& database, const Policy& policy) {
  const auto wanted = policy.approvals_needed.find(kOperation);
  if (wanted == policy.approvals_needed.end())
    return fail(Code::internal, fmt::format("policy knows no approvals for {}", kOperation));
  const unsigned persons = TRY(approver_table::count_persons(database));
  return Approvers::Consent{.needed = std::min(wanted->second, persons),
                            .bootstrap = wanted->second > 0 && persons == 0};
}

/// Two first approvers at the same moment would both need nobody.
Result<> check_still(Database& database, const Policy& policy, const Approvers::Consent& given) {
  const auto now = TRY(consent_in(database, policy));
  if (now.needed <= given.needed) return {};
  return fail(Code::conflict, fmt::format("the approvers changed meanwhile: {} must agree now, {} before; ask again",
                                          now.needed, given.needed));
}

unsigned largest_number(const Policy& policy) {
  unsigned largest = 0;
  for (const auto& [operation, needed] : policy.approvals_needed) largest = std::max(largest, needed);
  for (const auto& [name, profile] : policy.profiles.all()) largest = std::max(largest, profile.approvals);
  return largest;
}

Result<> check_enough_left(Database& database, const ApproverRecord& approver, const Policy& policy) {
  const unsigned before = TRY(approver_table::count_persons(database));
  const unsigned left = TRY(approver_table::count_persons(database, approver.row));
  const unsigned wanted = largest_number(policy);
  if (left >= wanted || left == before) return {};
  return fail(Code::policy_denied, fmt::format("without \"{}\" {} {} could agree; policy asks for up to {}",
                                               approver.name, left, left == 1 ? "person" : "people", wanted));
}

}  // namespace

Result<ApproverRecord> Approvers::find(const std::string& name) {
  auto found = TRY(registry_.read([&](Database& database) { return approver_table::find(database, name); }));
  if (found) return *std::move(found);
  return fail(Code::not_found, fmt::format("there is no approver \"{}\"", name));
}

Result<ApproverRecord> Approvers::find_uid(std::int64_t uid) {
  auto found = TRY(registry_.read([&](Database& database) { return approver_table::find_uid(database, uid); }));
  if (found) return *std::move(found);
  return fail(Code::forbidden, fmt::format("uid {} is no approver", uid));
}

Result<std::vector<ApproverRecord>> Approvers::list() { return registry_.read(&approver_table::list); }

Result<Approvers::Consent> Approvers::consent(const Policy& policy) {
  return registry_.read([&](Database& database) { return consent_in(database, policy); });
}

Result<> Approvers::check_addable(const ApproverRecord& approver) {
  return registry_.read([&](Database& database) { return approver_table::check_free(database, approver); });
}

Result<> Approvers::check_removable(const ApproverRecord& approver, const Policy& policy) {
  return registry_.read([&](Database& database) { return check_enough_left(database, approver, policy); });
}

Result<ApproverRecord> Approvers::add(ApproverRecord approver, const Policy& policy, const Consent& consent,
                                      const Grant& grant) {
  approver.added_at = clock_.now();
  TRY(registry_.write([&](Database& database) -> Result<> {
    TRY(check_still(database, policy, consent));
    TRY(grant.use(database));
    return approver_table::add(database, approver);
  }));
  return approver;
}

Result<> Approvers::remove(const ApproverRecord& approver, const Policy& policy, const Consent& consent,
                           const Grant& grant) {
  return registry_.write([&](Database& database) -> Result<> {
    TRY(check_still(database, policy, consent));
    TRY(grant.use(database));
    TRY(check_enough_left(database, approver, policy));
    TRY(approver_table::remove(database, approver.row, clock_.now()));
    return approval_table::reopen_short(database);
  });
}

}  // namespace hubseal::daemon
