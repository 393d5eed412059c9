// Rotation of the hub's keys for JWS: begun, brought on and taken back by people.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/jose/fspiop_signature.h"
#include "common/jose/jwk.h"
#include "daemon/dispatch.h"
#include "daemon/ops/new_key.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {
namespace {

constexpr std::int64_t kMaxHours = 8760;

// What comes between them only time brings.
constexpr std::array<std::pair<std::string_view, RotationStep>, 4> kByPeople = {{
    {"published", RotationStep::published},
    {"activated", RotationStep::activated},
    {"retired", RotationStep::retired},
    {"ended", RotationStep::ended},
}};

Json view_of(const Services& services, const RotationRecord& rotation) {
  Json view = {{"line", services.rotations.line_of(rotation.predecessor)},
               {"from", rotation.predecessor},
               {"key", rotation.successor},
               {"step", to_string(rotation.step)},
               {"started_at", format_utc(rotation.started_at)},
               {"since", format_utc(rotation.since)},
               {"activate_hours", rotation.plan.activate.count()},
               {"retire_hours", rotation.plan.retire.count()},
               {"overlap_hours", rotation.plan.overlap.count()},
               {"destroy_hours", rotation.plan.destroy.count()}};
  if (const auto next = Rotations::next(rotation.step)) view["next"] = to_string(*next);
  if (rotation.due_at) view["due_at"] = format_utc(*rotation.due_at);
  const auto key = services.keyring.find_record(rotation.successor);
  if (key && key->backup != KeyBackup::none) view["backup"] = to_string(key->backup);
  return view;
}

Result<RotationPlan> read_plan(Fields& fields, const Policy& policy) {
  RotationPlan plan = policy.rotation;
  for (const auto& [member, hours] :
       {std::pair("activate_hours", &plan.activate), std::pair("retire_hours", &plan.retire),
        std::pair("destroy_hours", &plan.destroy)})
    *hours = std::chrono::hours(TRY(fields.integer_or(member, 0, kMaxHours, hours->count())));
  TRY(check_plan(plan));
  return plan;
}

/// The first number that nobody has: neither hubseald nor another program, nor a rotation that was interrupted.
Result<std::string> next_label(const Services& services, const std::string& line) {
  const auto in_token = TRY(services.signer.list_keys());
  for (int number = 2;; ++number) {
    std::string label = fmt::format("{}-{}", line, number);
    if (label.size() > kMaxName)
      return fail(Code::bad_request,
                  fmt::format("\"{}\" with a number is too long for a label; wanted \"label\"", line));
    const bool in_use =
        services.keyring.find_record(label) ||
        std::any_of(in_token.begin(), in_token.end(), [&](const hsm::KeyInfo& info) { return info.label == label; });
    if (!in_use) return label;
  }
}

struct Asked {
  std::string key;
  std::optional<std::string> label;
  std::optional<KeyType> type;
  std::optional<SignatureAlgorithm> algorithm;
  bool backup_required = false;
  RotationPlan plan;
};

Result<Asked> read(Fields& fields, const Policy& policy) {
  Asked asked;
  asked.key = TRY(fields.name("key", kMaxName));
  asked.label = TRY(fields.optional_name("label", kMaxName));
  if (fields.has("type")) asked.type = TRY(fields.choice("type", kKeyTypes));
  if (fields.has("algorithm")) asked.algorithm = TRY(fields.choice("algorithm", jose::kJwsAlgorithms));
  asked.backup_required = TRY(fields.boolean_or("backup_required", false));
  asked.plan = TRY(read_plan(fields, policy));
  TRY(fields.nothing_left());
  return asked;
}

/// The next key. What is not said is as it was with the key before.
Result<NewKey> next_key(const Services& services, const Asked& asked, const KeyRecord& current,
                        const std::string& line) {
  NewKey key{.label = {}, .type = asked.type.value_or(current.type), .use = KeyUse::jws, .start = {}, .also = {}};
  key.start.life = KeyLife::pre_activation;
  key.start.algorithm = asked.algorithm;
  if (!asked.algorithm && current.algorithm && jose::is_jws_algorithm_of(key.type, *current.algorithm))
    key.start.algorithm = current.algorithm;
  if (asked.backup_required) key.start.backup = KeyBackup::required;
  TRY(check_jws_key(key.type, key.start.algorithm));
  // What messages are signed with is not followed by what no verifier of messages takes.
  if (jose::check_fspiop_key(current.type)) TRY(jose::check_fspiop_key(key.type));
  key.label = asked.label ? *asked.label : TRY(next_label(services, line));
  return key;
}

Json described(const NewKey& key, const RotationPlan& plan, const KeyRecord& current, const std::string& line) {
  Json details = {{"key", line},
                  {"from", current.label},
                  {"successor", key.label},
                  {"type", to_string(key.type)},
                  {"activate_hours", plan.activate.count()},
                  {"retire_hours", plan.retire.count()},
                  {"overlap_hours", plan.overlap.count()},
                  {"destroy_hours", plan.destroy.count()}};
  if (key.start.algorithm) details["algorithm"] = jose::jws_algorithm(*key.start.algorithm);
  if (key.start.backup != KeyBackup::none) details["backup"] = to_string(key.start.backup);
  return details;
}

/// Nobody has a key destroyed by a rotation who could not have it destroyed otherwise.
unsigned needed_to_destroy(const Policy& policy, bool destroys) {
  return destroys ? policy.approvals_needed.find("destroy_key")->second : 0;
}

/// Checked before people are asked, recorded before it is done.
Result<Json> make_step(Call& call, const char* operation, Fields& fields, RotationStep to) {
  const std::string label = TRY(fields.name("key", kMaxName));
  TRY(fields.nothing_left());
  Services& services = call.services;
  call.details = {{"key", label}, {"to", to_string(to)}};
  const RotationRecord before = TRY(services.rotations.check(label, to));
  call.details.update(Json{{"key", services.rotations.line_of(label)},
                           {"from", before.predecessor},
                           {"successor", before.successor},
                           {"step", to_string(before.step)}});
  Json content = call.details;
  content["since"] = format_utc(before.since);
  const unsigned needed = std::max(call.policy->approvals_needed.find("rotate_jws_key")->second,
                                   needed_to_destroy(*call.policy, to == RotationStep::ended));
  const Grant grant =
      TRY(call.authorize(needed, {.operation = operation, .about = call.details["key"], .content = content}));
  TRY(call.record_intent(fmt::format("{}_intent", operation)));
  const RotationRecord after = TRY(services.rotations.step(before, to, call.policy->destroy_delay,
                                                           [&](Database& database) { return grant.use(database); }));
  call.leave_gate();
  if (to == RotationStep::retired)
    TRY(call.wait_for_signatures(operation, fmt::format("key \"{}\" is retired", before.predecessor)));
  return view_of(services, after);
}

}  // namespace

Result<Json> rotate_jws_key(Call& call, Fields fields) {
  const Asked asked = TRY(read(fields, *call.policy));
  Services& services = call.services;
  call.details = {{"key", asked.key}};
  const KeyRecord current = TRY(services.rotations.check_begin(asked.key));
  const std::string line = services.rotations.line_of(asked.key);
  NewKey key = TRY(next_key(services, asked, current, line));
  call.details = described(key, asked.plan, current, line);
  Json content = call.details;
  content["from_key_id"] = to_hex(current.id);
  const Action action{.operation = "rotate_jws_key",
                      .about = line,
                      .content = std::move(content),
                      .at_least = needed_to_destroy(*call.policy, asked.plan.destroy.count() > 0)};
  const Rotations::Start start{.predecessor = current.label,
                               .successor = key.label,
                               .plan = asked.plan,
                               .backup_required = asked.backup_required};
  const RotationRecord rotation = TRY(services.rotations.begin(start, [&](const Keyring::Also& also) {
    key.also = also;
    return make_key(call, key, action);
  }));
  return view_of(services, rotation);
}

Result<Json> advance_rotation(Call& call, Fields fields) {
  const RotationStep to = TRY(fields.choice("to", kByPeople));
  return make_step(call, "advance_rotation", fields, to);
}

Result<Json> cancel_rotation(Call& call, Fields fields) {
  return make_step(call, "cancel_rotation", fields, RotationStep::cancelled);
}

Result<Json> list_rotations(Call& call, Fields fields) {
  TRY(fields.nothing_left());
  Json rotations = Json::array();
  for (const RotationRecord& rotation : call.services.rotations.list())
    rotations.push_back(view_of(call.services, rotation));
  return Json{{"rotations", std::move(rotations)}};
}

}  // namespace hubseal::daemon::ops
