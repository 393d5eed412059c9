#include <algorithm>
#include <memory>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/log.h"
#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"
#include "daemon/register.h"
#include "daemon/revocation.h"

namespace hubseal::daemon::ops {
namespace {

/// A change of the status of a participant, and what it does to its certificates.
struct Change {
  const char* operation;
  const char* intent;
  std::vector<SubjectStatus> from;
  SubjectStatus to;
  Result<std::int64_t> (*certificates)(Database& database, const std::string& subject, TimePoint now);
  /// What cannot be done about the participant afterwards: nobody is asked for consent to it any longer.
  std::vector<std::string_view> moot = {};
};

/// The participant, if its status may change so. Stopping twice is no error; what is active is not resumed, so that
/// nobody can agree to that before there is a reason to stop.
Result<SubjectRecord> find_to_change(Database& database, const std::string& id, const Change& change) {
  auto subject = TRY(subject_table::find(database, id));
  if (!subject) return fail(Code::not_found, fmt::format("there is no participant \"{}\"", id));
  const bool repeat = change.to != SubjectStatus::active && subject->status == change.to;
  if (repeat || std::find(change.from.begin(), change.from.end(), subject->status) != change.from.end())
    return *std::move(subject);
  return fail(Code::conflict, fmt::format("participant {} is {}; wanted {}", id, to_string(subject->status),
                                          to_string(change.from.front())));
}

/// What is agreed to: this suspension, and not the next. Leaving is for good, from whatever state: who is suspended
/// while people vote takes nobody's vote back.
Json content_of(const SubjectRecord& subject, const Change& change) {
  if (change.to == SubjectStatus::off_boarded)
    return {{"subject", subject.id}, {"organization", subject.organization}, {"country", subject.country}};
  return {{"subject", subject.id}, {"from", to_string(subject.status)}, {"status_changes", subject.status_changes}};
}

/// Recorded before the transaction ends, so that no request is over that no record names.
Result<> withdraw_requests(Services& services, Database& database, const std::string& id, const Change& change) {
  const std::string reason = fmt::format("participant {} is {}", id, to_string(change.to));
  std::vector<std::unique_ptr<AuditLog::Pending>> records;
  for (const ApprovalRecord& approval :
       TRY(services.approvals.withdraw(database, {.operations = change.moot, .about = id, .reason = reason})))
    records.push_back(services.audit.begin({{"event", "approval_withdrawn"},
                                            {"approval", approval_id(approval)},
                                            {"asked_for", approval.operation},
                                            {"about", approval.about},
                                            {"reason", reason}}));
  for (const auto& record : records) TRY(record->wait());
  return {};
}

/// Status, certificates and what waits for consent in one transaction; the lists follow.
Result<Json> carry_out(Call& call, Fields fields, const Change& change) {
  Services& services = call.services;
  const std::string id = TRY(fields.name("subject", kMaxName));
  TRY(fields.nothing_left());
  call.details = {{"subject", id}};
  const SubjectRecord before =
      TRY(services.registry.read([&](Database& database) { return find_to_change(database, id, change); }));
  const Json content = content_of(before, change);
  const Grant grant = TRY(call.authorize({.operation = change.operation, .about = id, .content = content}));
  TRY(call.record_intent(change.intent));
  std::int64_t count = 0;
  Json view = TRY(services.registry.write([&](Database& database) -> Result<Json> {
    const SubjectRecord now = TRY(find_to_change(database, id, change));
    if (grant.approval() && content_of(now, change) != content)
      return fail(Code::conflict, fmt::format("participant {} is another one by now; ask again", id));
    TRY(grant.use(database));
    TRY(Register::set_status(database, id, change.to));
    count = TRY(change.certificates(database, id, services.clock.now()));
    TRY(withdraw_requests(services, database, id, change));
    return full_view_of_subject(database, id);
  }));
  call.details["certificates"] = count;
  view["certificates"] = count;
  for (const std::string& ca : services.authorities.names())
    if (const auto made = services.revocation.bring_up_to_date(ca); !made)
      log::warning("a change of a participant is not in a CRL yet", {{"ca", ca}, {"reason", made.error().message}});
  return view;
}

Result<std::int64_t> resume(Database& database, const std::string& subject, TimePoint) {
  return revocation_table::resume(database, subject);
}

}  // namespace

Result<Json> suspend_subject(Call& call, Fields fields) {
  return carry_out(call, std::move(fields),
                   {"suspend_subject",
                    "suspension_intent",
                    {SubjectStatus::active},
                    SubjectStatus::suspended,
                    &revocation_table::suspend});
}

Result<Json> resume_subject(Call& call, Fields fields) {
  return carry_out(call, std::move(fields),
                   {"resume_subject", "resumption_intent", {SubjectStatus::suspended}, SubjectStatus::active, &resume});
}

Result<Json> off_board_subject(Call& call, Fields fields) {
  return carry_out(call, std::move(fields),
                   {"off_board_subject",
                    "off_boarding_intent",
                    {SubjectStatus::active, SubjectStatus::suspended},
                    SubjectStatus::off_boarded,
                    &revocation_table::off_board,
                    {"issue_certificate", "release_certificate", "set_subject", "suspend_subject", "resume_subject",
                     "off_board_subject"}});
}

}  // namespace hubseal::daemon::ops
