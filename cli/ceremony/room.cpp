#include "cli/ceremony/room.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "cli/ceremony/step_trace.h"
#include "cli/pages.h"

namespace hubseal::cli {
namespace {

constexpr std::string_view kOriginPrefix = "hubseal/";  // docs/PROTOCOL.md, "Audit log"

tl::unexpected<Error> there_already(std::size_t number, const CeremonyStep& step) {
  return fail(Code::conflict,
              fmt::format("step {} ({}): there is one already; nothing was changed", number, name_of(step)));
}

/// An item of a list operation, found by the member that names it.
Result<Json> find_item(const Session& session, const char* operation, const char* list, const char* member,
                       const std::string& name) {
  const Json answer = TRY(session.call(operation, Json::object()));
  for (const Json& item : member_of(answer, list))
    if (text_of(item, member) == name) return item;
  return fail(Code::not_found, fmt::format("there is no {}", name));
}

/// A CA whose key this file makes: whether it will be granted is asked before the key is made for nothing.
Result<> check_grant(const Session& session, const Script& script, const CeremonyStep& step) {
  const CeremonyStep* maker = maker_of(script, text_of(step.fields, "key"));
  if (!maker) return {};
  TRY(session.call("check_ca", {{"ca", step.fields["ca"]},
                                {"profile", step.fields["profile"]},
                                {"key_type", maker->fields["type"]},
                                {"subject", step.fields["subject"]}}));
  return {};
}

/// A CA that a step is about: made by an earlier step, or there and in a state in which the daemon will do the step.
Result<> check_there(const Session& session, const Script& script, std::size_t index, const std::string& ca,
                     std::initializer_list<std::string_view> states) {
  for (std::size_t i = 0; i < index; ++i)
    if (const auto made = made_by(script.steps[i]); std::find(made.begin(), made.end(), "CA " + ca) != made.end())
      return {};
  const std::string state = text_of(TRY(session.call("get_ca", {{"ca", ca}})), "state");
  if (std::find(states.begin(), states.end(), state) != states.end()) return {};
  return fail(Code::conflict, fmt::format("CA {} is {}; wanted {}", ca, state, fmt::join(states, " or ")));
}

/// What the daemon would refuse of a step about CAs, as far as it can be known before.
Result<> check_authorities(const Session& session, const Script& script, std::size_t index) {
  const CeremonyStep& step = script.steps[index];
  const auto there = [&](const char* member, std::initializer_list<std::string_view> states) {
    return check_there(session, script, index, text_of(step.fields, member), states);
  };
  if (step.operation == "create_ca") return check_grant(session, script, step);
  if (step.operation == "install_ca") return there("ca", {"awaiting_certificate"});
  if (step.operation == "retire_ca") return there("ca", {"active"});
  if (step.operation != "cross_certify") return {};
  TRY(there("by", {"active"}));
  return there("ca", {"active", "retired"});
}

/// Its request id is the daemon's own: no client can choose one with a colon.
Result<Json> find_cross(const Session& session, const CeremonyStep& step) {
  const std::string by = text_of(step.fields, "by");
  const Pages found =
      TRY(fetch_pages(session, "list_certificates", "certificates", {{"ca", by}, {"subject", step.about}}));
  for (const Json& item : found.items)
    if (text_of(item, "request") == fmt::format("cross:{}:{}", by, step.about) && text_of(item, "state") != "intended")
      return session.call("get_certificate", {{"ca", by}, {"serial", item["serial"]}});
  return fail(Code::not_found, fmt::format("{} has not certified {}", by, step.about));
}

}  // namespace

Result<Room> look_at_room(const Session& session) {
  const auto ask = [&session](const char* operation, const char* permission) -> Result<Json> {
    auto answer = session.call(operation, Json::object());
    if (!answer && answer.error().code == Code::forbidden)
      return fail(Code::forbidden,
                  fmt::format("{}; a ceremony needs the permission \"{}\"", answer.error().message, permission));
    return answer;
  };
  const Json version = TRY(ask("version", "status"));
  const Json health = TRY(ask("health", "status"));
  TRY(ask("list_keys", "read_keys"));
  const Json checkpoint = TRY(ask("get_checkpoint", "read_audit"));
  const Json& token = member_of(health, "token");
  Room room{.instance = text_of(checkpoint, "origin"),
            .version = text_of(version, "version"),
            .token = text_of(token, "label"),
            .token_serial = text_of(token, "serial")};
  if (room.instance.starts_with(kOriginPrefix)) room.instance.erase(0, kOriginPrefix.size());
  return room;
}

Result<> check_policy(const Session& session, const Script& script) {
  if (script.policy_sha256.empty()) return {};
  const Json health = TRY(session.call("health", Json::object()));
  const std::string in_force = text_of(member_of(health, "policy"), "sha256");
  if (in_force == script.policy_sha256) return {};
  return fail(Code::conflict, fmt::format("the policy in force is {}, the file wants {}; nothing was changed", in_force,
                                          script.policy_sha256));
}

Result<> check_nothing_there(const Session& session, const Script& script, std::size_t first) {
  for (std::size_t i = first; i < script.steps.size(); ++i) {
    const CeremonyStep& step = script.steps[i];
    if (!made_by(step).empty()) {
      const auto present = look_up(session, step);
      if (present) return there_already(i + 1, step);
      if (present.error().code != Code::not_found) return tl::unexpected(present.error());
    }
    if (const auto granted = check_authorities(session, script, i); !granted)
      return fail(granted.error().code,
                  fmt::format("step {} ({}): {}; nothing was changed", i + 1, name_of(step), granted.error().message));
  }
  return {};
}

Result<std::uint64_t> count_records(const Session& session) {
  const Json page = TRY(session.call("list_records", {{"limit", 1}}));
  const Json& of = member_of(page, "of");
  if (!of.is_number_unsigned()) return fail(Code::internal, "list_records says no number of records");
  return of.get<std::uint64_t>();
}

Result<Found> find_record(const Session& session, const CeremonyStep& step, const Asked& asked) {
  Found found;
  std::uint64_t after = asked.records;
  while (true) {
    const Json page = TRY(session.call("list_records", {{"after", after}, {"limit", 500}}));
    for (const Json& line : member_of(page, "records")) {
      ++after;
      const Json record = TRY(parse_json(line.get<std::string>()));
      if (differs(record, step, asked).empty()) found.record = after;
    }
    if (member_of(page, "next").is_null()) return found;
  }
}

Result<Json> look_up(const Session& session, const CeremonyStep& step) {
  const std::string& operation = step.operation;
  if (operation.ends_with("_ca")) return session.call("get_ca", {{"ca", step.about}});
  if (operation == "cross_certify") return find_cross(session, step);
  if (operation == "set_subject") return session.call("get_subject", {{"subject", step.about}});
  if (operation == "add_approver") return find_item(session, "list_approvers", "approvers", "approver", step.about);
  if (operation == "load_policy") {
    const Json health = TRY(session.call("health", Json::object()));
    return member_of(health, "policy");
  }
  // By the list: a refusal to show one that is not there would be an entry in the audit log.
  Json key = TRY(find_item(session, "list_keys", "keys", "label", step.about));
  if (operation != "create_key") return key;
  return session.call("get_public_key", {{"key", step.about}});
}

}  // namespace hubseal::cli
