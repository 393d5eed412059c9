#include "daemon/dispatch.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/log.h"
#include "common/wire/message.h"
#include "daemon/ops/operations.h"

namespace hubseal::daemon {
namespace {

constexpr unsigned kAgent = 1U << static_cast<unsigned>(Role::agent);
constexpr unsigned kJws = 1U << static_cast<unsigned>(Role::jws);
constexpr unsigned kTls = 1U << static_cast<unsigned>(Role::tls);
constexpr unsigned kAdmin = 1U << static_cast<unsigned>(Role::admin);
constexpr unsigned kAudit = 1U << static_cast<unsigned>(Role::audit);

constexpr std::array kOperations = {
    Operation{"health", Permission::status, kAgent | kJws | kTls | kAdmin | kAudit, Effect::reads, &ops::health},
    Operation{"version", Permission::status, kAgent | kJws | kTls | kAdmin | kAudit, Effect::reads, &ops::version},
    Operation{"list_keys", Permission::read_keys, kAgent | kAdmin, Effect::reads, &ops::list_keys},
    Operation{"get_public_key", Permission::read_keys, kAgent | kJws | kAdmin, Effect::reads, &ops::get_public_key},
    Operation{"get_jwks", Permission::read_keys, kAgent | kJws | kAdmin, Effect::reads, &ops::get_jwks},
    Operation{"create_key", Permission::create_key, kAdmin, Effect::signs, &ops::create_key},
    Operation{"activate_key", Permission::manage_keys, kAdmin, Effect::changes, &ops::activate_key},
    Operation{"suspend_key", Permission::manage_keys, kAdmin, Effect::changes, &ops::suspend_key, true},
    Operation{"deactivate_key", Permission::manage_keys, kAdmin, Effect::changes, &ops::deactivate_key},
    Operation{"destroy_key", Permission::manage_keys, kAdmin, Effect::changes, &ops::destroy_key},
    Operation{"keep_key", Permission::manage_keys, kAdmin, Effect::changes, &ops::keep_key, true},
    Operation{"confirm_backup", Permission::manage_keys, kAdmin, Effect::changes, &ops::confirm_backup},
    Operation{"list_rotations", Permission::read_keys, kAgent | kAdmin, Effect::reads, &ops::list_rotations},
    Operation{"rotate_jws_key", Permission::manage_keys, kAdmin, Effect::signs, &ops::rotate_jws_key},
    Operation{"advance_rotation", Permission::manage_keys, kAdmin, Effect::signs, &ops::advance_rotation},
    Operation{"cancel_rotation", Permission::manage_keys, kAdmin, Effect::changes, &ops::cancel_rotation},
    Operation{"check_ca", Permission::create_ca, kAdmin, Effect::reads, &ops::check_ca},
    Operation{"create_ca", Permission::create_ca, kAdmin, Effect::signs, &ops::create_ca},
    Operation{"install_ca", Permission::create_ca, kAdmin, Effect::signs, &ops::install_ca},
    Operation{"import_ca", Permission::create_ca, kAdmin, Effect::signs, &ops::import_ca},
    Operation{"cross_certify", Permission::create_ca, kAdmin, Effect::signs, &ops::cross_certify},
    Operation{"retire_ca", Permission::create_ca, kAdmin, Effect::changes, &ops::retire_ca},
    Operation{"get_trust_bundle", Permission::read_certificates, kAgent | kAdmin, Effect::reads,
              &ops::get_trust_bundle},
    Operation{"get_ca", Permission::read_certificates, kAgent | kAdmin, Effect::reads, &ops::get_ca},
    Operation{"issue_certificate", Permission::issue_certificate, kAgent | kAdmin, Effect::signs,
              &ops::issue_certificate},
    Operation{"get_certificate", Permission::read_certificates, kAgent | kAdmin, Effect::reads, &ops::get_certificate},
    Operation{"list_certificates", Permission::read_certificates, kAgent | kAdmin, Effect::reads,
              &ops::list_certificates},
    Operation{"create_csr", Permission::create_csr, kAgent | kAdmin, Effect::signs, &ops::create_csr},
    Operation{"csr_for_key", Permission::create_csr, kAdmin, Effect::signs, &ops::csr_for_key},
    Operation{"sign_fspiop", Permission::sign_fspiop, kJws | kAdmin, Effect::signs, &ops::sign_fspiop},
    Operation{"sign_jws", Permission::sign_jws, kJws | kAdmin, Effect::signs, &ops::sign_jws},
    // Over a digest: this socket's alone, which has no other signature (docs/decisions/078-tls-keys-sign-digests.md).
    Operation{"sign_tls", Permission::sign_tls, kTls, Effect::signs, &ops::sign_tls},
    Operation{"list_tls_keys", Permission::read_keys, kTls, Effect::reads, &ops::list_tls_keys},
    Operation{"set_subject", Permission::manage_subjects, kAdmin, Effect::changes, &ops::set_subject},
    Operation{"get_subject", Permission::read_subjects, kAgent | kAdmin, Effect::reads, &ops::get_subject},
    Operation{"list_subjects", Permission::read_subjects, kAgent | kAdmin, Effect::reads, &ops::list_subjects},
    Operation{"load_policy", Permission::manage_policy, kAdmin, Effect::changes, &ops::load_policy},
    Operation{"get_policy", Permission::read_policy, kAdmin | kAudit, Effect::reads, &ops::get_policy},
    Operation{"list_policies", Permission::read_policy, kAdmin | kAudit, Effect::reads, &ops::list_policies},
    Operation{"list_approvals", Permission::read_approvals, kAgent | kAdmin, Effect::reads, &ops::list_approvals},
    Operation{"get_approval", Permission::read_approvals, kAgent | kAdmin, Effect::reads, &ops::get_approval},
    Operation{"approve", Permission::approve, kAdmin, Effect::changes, &ops::approve, true},
    Operation{"submit_approval", Permission::carry_approvals, kAgent | kAdmin, Effect::changes, &ops::submit_approval,
              true},
    Operation{"list_approvers", Permission::read_approvals, kAgent | kAdmin, Effect::reads, &ops::list_approvers},
    Operation{"add_approver", Permission::manage_approvers, kAdmin, Effect::changes, &ops::add_approver},
    Operation{"revoke_certificate", Permission::revoke, kAdmin, Effect::changes, &ops::revoke_certificate, true},
    Operation{"release_certificate", Permission::revoke, kAdmin, Effect::changes, &ops::release_certificate},
    Operation{"suspend_subject", Permission::revoke, kAdmin, Effect::changes, &ops::suspend_subject, true},
    Operation{"resume_subject", Permission::revoke, kAdmin, Effect::changes, &ops::resume_subject},
    Operation{"off_board_subject", Permission::revoke, kAdmin, Effect::changes, &ops::off_board_subject},
    Operation{"get_crl", Permission::read_certificates, kAgent | kAdmin, Effect::reads, &ops::get_crl},
    Operation{"get_ocsp", Permission::read_certificates, kAgent | kAdmin, Effect::reads, &ops::get_ocsp},
    Operation{"get_checkpoint", Permission::read_audit, kAdmin | kAudit, Effect::reads, &ops::get_checkpoint},
    Operation{"prove_record", Permission::read_audit, kAdmin | kAudit, Effect::reads, &ops::prove_record},
    Operation{"prove_consistency", Permission::read_audit, kAdmin | kAudit, Effect::reads, &ops::prove_consistency},
    Operation{"list_records", Permission::read_audit, kAdmin | kAudit, Effect::reads, &ops::list_records},
    Operation{"add_cosignature", Permission::cosign, kAdmin | kAudit, Effect::changes, &ops::add_cosignature, true},
    Operation{"seal", Permission::seal, kAdmin, Effect::changes, &ops::seal, true},
    Operation{"unseal", Permission::seal, kAdmin, Effect::changes, &ops::unseal, true},
    Operation{"remove_approver", Permission::manage_approvers, kAdmin, Effect::changes, &ops::remove_approver},
};

bool exists(std::string_view name) {
  return std::any_of(kOperations.begin(), kOperations.end(), [&](const Operation& row) { return row.name == name; });
}

/// The row, if it is offered on the peer's socket and the peer may use it; otherwise null, so that
/// an operation that is closed looks like one that does not exist.
const Operation* find_operation(const Peer& peer, std::string_view name) {
  for (const Operation& operation : kOperations) {
    if (operation.name != name) continue;
    const bool offered = (operation.sockets & 1U << static_cast<unsigned>(peer.rule->role)) != 0;
    return offered && peer.may(operation.permission) ? &operation : nullptr;
  }
  return nullptr;
}

}  // namespace

std::vector<std::string_view> operations_of(const Peer& peer) {
  std::vector<std::string_view> names;
  for (const Operation& operation : kOperations)
    if (find_operation(peer, operation.name)) names.push_back(operation.name);
  return names;
}

Json Call::who() const {
  Json who = {{"peer", peer.rule->name},
              {"uid", peer.credentials.uid},
              {"gid", peer.credentials.gids.front()},
              {"pid", peer.credentials.pid}};
  if (!peer.credentials.unit.empty()) who["unit"] = peer.credentials.unit;
  return who;
}

Result<> Call::record_intent(std::string_view event) const {
  Json record = {{"event", event}};
  record.update(details);
  record.update(who());
  return services.audit.record(record);
}

Result<> Call::wait_for_signatures(std::string_view operation, std::string_view done) const {
  const auto now = std::chrono::steady_clock::now();
  if (services.gate.wait_for_those_inside(now)) return {};
  const auto written = record_intent(fmt::format("{}_waits", operation));
  services.checkpoints.hasten();
  if (services.gate.wait_for_those_inside(now + Seal::kPatience)) return written;
  return fail(Code::hsm_busy, fmt::format("{}, but a signature that had begun is still under way", done));
}

void Call::leave_gate() const { pass->reset(); }

Result<> Call::enter_gate() const {
  pass->emplace(TRY(services.gate.enter()));
  return {};
}

Result<> Call::record_result(std::string_view operation, const Error* error) const {
  Json record = {{"event", operation}, {"result", error ? to_string(error->code) : "ok"}};
  if (error) record["message"] = error->message.substr(0, 1024);
  record.update(details);
  record.update(who());
  return services.audit.record(record);
}

Result<> Call::spend(const std::vector<Use>& uses) const { return services.quotas.take(policy->quotas, uses); }

Result<Grant> Call::authorize(unsigned needed, const Action& action) {
  const Requester requester{
      .peer = peer.rule->name, .uid = peer.credentials.uid, .person = peer.rule->role == Role::admin, .anew = anew};
  // No flood of refusals hides this record: the number of open requests is what bounds it.
  const auto record = [this](const ApprovalRecord& approval) -> Result<> {
    Json asked = {{"event", "approval_requested"},
                  {"approval", approval_id(approval)},
                  {"asked_for", approval.operation},
                  {"about", approval.about},
                  {"content_sha256", to_hex(sha256(as_bytes(approval.content)))},
                  {"needed", approval.needed}};
    asked.update(who());
    return services.audit.record(asked);
  };
  auto grant = services.approvals.authorize(requester, *policy, needed, action, record);
  if (!grant && !grant.error().approval.empty()) details["approval"] = grant.error().approval;
  if (grant && grant->approval()) details["approval"] = *grant->approval();
  return grant;
}

Result<Grant> Call::authorize(const Action& action) {
  const auto needed = policy->approvals_needed.find(action.operation);
  if (needed == policy->approvals_needed.end())
    return fail(Code::internal, fmt::format("policy knows no approvals for {}", action.operation));
  return authorize(std::max(needed->second, action.at_least), action);
}

Result<> Call::authorize_now(const Action& action) {
  const Grant grant = TRY(authorize(action));
  if (!grant.approval()) return {};
  return services.registry.write([&](Database& database) { return grant.use(database); });
}

Issuance::Trail Call::trail(std::string_view operation, unsigned needed, DescribePrepared action) {
  return {.who = who(),
          .authorize = [this, needed, action = std::move(action)](const ca::Prepared& prepared) -> Result<Grant> {
            if (needed == 0) return Grant();  // what nobody is asked about need not be put into words
            return authorize(needed, TRY(action(prepared)));
          },
          .record_result = [this, operation](const CertificateRecord& issued) -> Result<> {
            details["serial"] = issued.serial;
            details["certificate_sha256"] = to_hex(sha256(issued.certificate));
            TRY(record_result(operation));
            recorded = true;
            return {};
          },
          .needed = needed};
}

std::string Dispatcher::handle(const Peer& peer, std::string_view line) {
  wire::Request request;
  try {
    Call call{peer, services_, services_.policies.current(), Json::object()};
    auto decoded = wire::decode_request(line);
    if (!decoded) return refuse(call, request, decoded.error());
    request = *std::move(decoded);
    const Operation* operation = find_operation(peer, request.op);
    if (!operation)
      return refuse(call, request,
                    {Code::forbidden, fmt::format("there is no operation \"{}\" for peer \"{}\" on this socket",
                                                  request.op, peer.rule->name)});
    // Programs repeat themselves; that a "no" is to be thought over is for a person to ask.
    if (request.anew && peer.rule->role != Role::admin)
      return refuse(call, request, {Code::bad_request, "\"anew\" is for people, on admin.sock"});
    call.anew = request.anew;
    std::optional<Gate::Pass> pass;  // until the result is recorded: who waits for it has seen the end of it
    const std::uint64_t changes = services_.registry.changes();
    const auto reply = invoke(call, *operation, request, pass);
    const std::string answer = record(call, *operation, request, reply);
    // What people decide is remembered by the token as well, at once. Also what was answered with an error: it may
    // stand all the same, if it is not somebody else who has changed something meanwhile.
    const bool decided = peer.rule->role == Role::admin || call.details.contains("approval");
    const bool stands =
        reply || (reply.error().code != Code::approval_required && services_.registry.changes() != changes);
    if (operation->effect != Effect::reads && decided && stands) services_.checkpoints.hasten();
    return answer;
  } catch (const std::exception& fault) {
    return wire::encode_error(request.id, incident(request.op, fault.what()));
  }
}

/// What cannot be recorded is not released.
std::string Dispatcher::record(Call& call, const Operation& operation, const wire::Request& request,
                               const Result<Json>& reply) {
  if (!reply) return refuse(call, request, reply.error());
  if (operation.effect != Effect::reads && !call.recorded)
    if (const auto recorded = call.record_result(request.op); !recorded)
      return wire::encode_error(request.id, recorded.error());
  return wire::encode_ok(request.id, *reply);
}

std::string Dispatcher::refuse_line(const Peer& peer, const Error& error) {
  return refuse(Call{peer, services_, services_.policies.current(), Json::object()}, {}, error);
}

Result<Json> Dispatcher::invoke(Call& call, const Operation& operation, const wire::Request& request,
                                std::optional<Gate::Pass>& pass) {
  try {
    const Use asked{QuotaKind::uid, fmt::format("{}", call.peer.credentials.uid)};
    if (operation.effect != Effect::reads) TRY(call.spend({asked}));
    call.pass = &pass;
    if (operation.effect == Effect::signs) TRY(call.enter_gate());
    if (operation.effect == Effect::changes && !operation.on_old_state) TRY(services_.checkpoints.may_change());
    auto reply = operation.handler(call, TRY(Fields::of(request.fields)));
    // Who asks too much for one participant or key may go on for the others.
    if (!reply && reply.error().code == Code::rate_limited) services_.quotas.give_back(asked);
    if (reply || reply.error().code != Code::internal) return reply;
    return tl::unexpected(incident(request.op, reply.error().message));
  } catch (const std::exception& fault) {
    return tl::unexpected(incident(request.op, fault.what()));
  }
}

std::string Dispatcher::refuse(Call call, const wire::Request& request, const Error& error) {
  std::string_view event = request.op;
  if (request.op.empty()) {
    event = "undecodable";
  } else if (!exists(request.op)) {
    // The peer chose this word: it must not stand where our own events stand.
    event = "unknown_operation";
    call.details["op"] = request.op;
  }
  // No flood hides that what the log calls done was released to nobody.
  if (!call.recorded && !services_.refusals.admits(call.policy->quotas, call.peer.credentials.uid, event, error.code))
    return wire::encode_error(request.id, error);
  // A refusal stands whether or not it can be written down; the log says so when it cannot.
  if (const auto recorded = call.record_result(event, &error); !recorded)
    log::warning("refusal was not recorded", {{"op", request.op}, {"reason", recorded.error().message}});
  return wire::encode_error(request.id, error);
}

// The client learns a number, the log the story: library texts may hold what is nobody's business.
Error Dispatcher::incident(std::string_view operation, std::string_view story) {
  const std::string id = fmt::format("i-{}-{}", ::getpid(), ++incidents_);
  log::error("incident", {{"id", id}, {"op", std::string(operation)}, {"story", std::string(story)}});
  return {Code::internal, fmt::format("something is wrong inside hubseald; its log tells more under incident {}", id)};
}

}  // namespace hubseal::daemon
