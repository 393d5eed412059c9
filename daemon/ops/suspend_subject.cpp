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

using Change = Result<std::int64_t> (*)(Database& database, const std::string& subject, TimePoint now);

/// The participant, if its status may change so. Suspending twice is no error; what is active is not resumed, so that
/// nobody can agree to that before there is a reason to stop.
Result<SubjectRecord> find_to_change(Database& database, const std::string& id, SubjectStatus from, SubjectStatus to) {
  auto subject = TRY(subject_table::find(database, id));
  if (!subject) return fail(Code::not_found, fmt::format("there is no participant \"{}\"", id));
  const bool repeat = to == SubjectStatus::suspended && subject->status == to;
  if (subject->status == from || repeat) return *std::move(subject);
  return fail(Code::conflict,
              fmt::format("participant {} is {}; wanted {}", id, to_string(subject->status), to_string(from)));
}

/// Status and certificates in one transaction; the lists follow.
Result<Json> change(Call& call, Fields fields, const char* operation, const char* intent, SubjectStatus from,
                    SubjectStatus to, Change certificates) {
  Services& services = call.services;
  const std::string id = TRY(fields.name("subject", kMaxName));
  TRY(fields.nothing_left());
  call.details = {{"subject", id}};
  const SubjectRecord before =
      TRY(services.registry.read([&](Database& database) { return find_to_change(database, id, from, to); }));
  Json content = call.details;
  content["from"] = to_string(before.status);
  content["status_changes"] = before.status_changes;  // this suspension, and not the next
  const Grant grant = TRY(call.authorize({.operation = operation, .about = id, .content = content}));
  TRY(call.record_intent(intent));
  std::int64_t count = 0;
  Json view = TRY(services.registry.write([&](Database& database) -> Result<Json> {
    const SubjectRecord now = TRY(find_to_change(database, id, from, to));
    if (grant.approval() && now.status_changes != before.status_changes)
      return fail(Code::conflict, fmt::format("the status of participant {} changed meanwhile; ask again", id));
    TRY(grant.use(database));
    TRY(Register::set_status(database, id, to));
    count = TRY(certificates(database, id, services.clock.now()));
    return full_view_of_subject(database, id);
  }));
  call.details["certificates"] = count;
  view["certificates"] = count;
  for (const std::string& ca : services.authorities.names())
    if (const auto made = services.revocation.bring_up_to_date(ca); !made)
      log::warning("a suspension is not in a CRL yet", {{"ca", ca}, {"reason", made.error().message}});
  return view;
}

}  // namespace

Result<Json> suspend_subject(Call& call, Fields fields) {
  return change(call, std::move(fields), "suspend_subject", "suspension_intent", SubjectStatus::active,
                SubjectStatus::suspended, &revocation_table::suspend);
}

Result<Json> resume_subject(Call& call, Fields fields) {
  return change(call, std::move(fields), "resume_subject", "resumption_intent", SubjectStatus::suspended,
                SubjectStatus::active, [](Database& database, const std::string& subject, TimePoint) {
                  return revocation_table::resume(database, subject);
                });
}

}  // namespace hubseal::daemon::ops
