#include <nlohmann/json.hpp>

#include "common/x509/certificate.h"
#include "daemon/dispatch.h"
#include "daemon/ops/approval_views.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {
namespace {

/// In the words of the content of issue_certificate, so that the two can be laid side by side.
Result<Json> comparable(const CertificateRecord& record) {
  Json previous = {
      {"ca", record.ca}, {"profile", record.profile}, {"subject", record.subject}, {"request", record.request}};
  previous.update(TRY(content_of(TRY(x509::Certificate::parse_der(record.certificate)))));
  previous["serial"] = record.serial;
  previous["not_before"] = format_utc(record.not_before);
  previous["not_after"] = format_utc(record.not_after);
  return previous;
}

/// The certificate that the participant had of this profile before the one that was asked for; null for its first.
Result<Json> previous_of(Call& call, const ApprovalRecord& approval) {
  if (approval.operation != "issue_certificate") return Json();
  const Json content = TRY(parse_json(approval.content));
  Fields wanted = TRY(Fields::of(content, "content."));
  const std::string subject = TRY(wanted.name("subject", kMaxName));
  const std::string profile = TRY(wanted.name("profile", kMaxName));
  const std::string request = TRY(wanted.name("request", kMaxName));
  const auto previous =
      TRY(call.services.registry.read([&](Database& database) -> Result<std::optional<CertificateRecord>> {
        // What was made of this very request may begin before it: starts are moved back, and an intent may wait long.
        const auto own = TRY(certificate_table::find_request(database, approval.peer, request));
        return certificate_table::latest(database, subject, profile, approval.created_at, own ? own->serial : "");
      }));
  if (!previous) return Json();
  return comparable(*previous);
}

}  // namespace

Result<Json> get_approval(Call& call, Fields fields) {
  const std::string id = TRY(fields.name("approval", kMaxApprovalId));
  const Decision decision = fields.has("decision") ? TRY(fields.choice("decision", kDecisions)) : Decision::approve;
  TRY(fields.nothing_left());
  Approvals& approvals = call.services.approvals;
  const ApprovalRecord approval = TRY(approvals.find(id));
  Json view = view_of(approval);
  view["votes"] = Json::array();
  for (const vote_table::Cast& vote : TRY(approvals.votes(approval))) view["votes"].push_back(view_of(vote));
  view["content"] = approval.content;
  view["content_sha256"] = to_hex(sha256(as_bytes(approval.content)));
  view["statement"] = TRY(approvals.statement(approval, decision));
  if (Json previous = TRY(previous_of(call, approval)); !previous.is_null()) view["previous"] = std::move(previous);
  if (approval.operation == "load_policy") view["files"] = TRY(policy_files_of(call, approval));
  return view;
}

}  // namespace hubseal::daemon::ops
