#include <algorithm>
#include <set>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "agent/mcm/context.h"
#include "agent/service/connectivity.h"
#include "agent/service/dfsps.h"
#include "common/fields.h"
#include "common/log.h"

namespace hubseal::agent::mcm {
namespace {

constexpr std::size_t kMaxNameBytes = 512;  // as POST /dfsps has it
constexpr std::size_t kMaxGroupBytes = 256;
constexpr std::size_t kMaxDescriptionBytes = 2048;

/// Why a row cannot be a participant.
Result<> check(const Context& context, const DumpRow& row) {
  const auto id = row.text("dfsp_id");
  const auto name = row.text("name");
  if (!row.number("id") || *row.number("id") < 1) return fail(Code::bad_request, "it has no number");
  if (!id) return fail(Code::bad_request, "its dfsp_id is NULL");
  TRY(check_dfsp_id(*id));
  if (context.is_hub(*id)) return fail(Code::bad_request, "it is the hub itself, which is no participant here");
  if (!name || name->size() > kMaxNameBytes)
    return fail(Code::bad_request, fmt::format("its name is NULL or over {} bytes", kMaxNameBytes));
  if (const auto other = context.named(*id))
    return fail(Code::conflict, fmt::format("DFSP {} is there already", *other));
  return {};
}

std::optional<std::string> zone_of(Context& context, const DumpRow& row) {
  auto zone = row.text("monetaryZoneId");
  if (!zone || context.rules.currencies.contains(*zone)) return zone;
  context.change(row.where(),
                 fmt::format("without its zone \"{}\", which is no currency of ISO 4217", log::printable(*zone, 16)));
  return std::nullopt;
}

/// An empty one would be a group that everybody is in.
std::string group_of(Context& context, const DumpRow& row, const std::string& id) {
  const std::string group = row.text("security_group").value_or("");
  if (!group.empty() && group.size() <= kMaxGroupBytes) return group;
  std::string own = context.rules.group_prefix + id;
  context.change(row.where(), fmt::format("its security group is {}; now it is {}",
                                          group.empty() ? "empty, which let everybody in" : "too long", own));
  return own;
}

std::optional<std::string> ping_of(Context& context, const DumpRow& row) {
  auto ping = row.text("pingStatus");
  if (!ping || is_ping_status(*ping)) return ping;
  context.change(row.where(),
                 fmt::format("without its ping status \"{}\", which is unknown", log::printable(*ping, 40)));
  return std::nullopt;
}

void add_participant(Context& context, const DumpRow& row) {
  if (const auto good = check(context, row); !good) {
    if (const auto number = row.number("id")) context.refused[*number] = good.error().message;
    return context.leave_out(row.where(), good.error().message);
  }
  const std::string id = *row.text("dfsp_id");
  store::Import::Participant participant{
      .dfsp = {},
      .number = *row.number("id"),
      .ping_status = ping_of(context, row),
      .ping_status_at = context.time_of(row.where(), row.text("lastUpdatedPingStatusAt"))};
  participant.dfsp.id = id;
  participant.dfsp.name = *row.text("name");
  participant.dfsp.monetary_zone = zone_of(context, row);
  if (const auto proxy = row.number("isProxy")) participant.dfsp.is_proxy = *proxy != 0;
  participant.dfsp.security_group = group_of(context, row, id);
  if (row.number("watch") == 0) context.change(row.where(), "it was not pinged; here every participant is");
  context.dfsps[participant.number] = id;
  context.out.import.participants.push_back(std::move(participant));
  context.count("participants");
}

void add_currency(Context& context, const DumpRow& row) {
  const auto id = context.owner(row.where(), row.number("dfspId"));
  if (!id) return;
  const std::string currency = row.text("monetaryZoneId").value_or("");
  if (!context.rules.currencies.contains(currency))
    return context.leave_out(row.where(),
                             fmt::format("\"{}\" is no currency of ISO 4217", log::printable(currency, 16)));
  for (auto& participant : context.out.import.participants) {
    if (participant.dfsp.id != *id) continue;
    auto& known = participant.dfsp.fxp_currencies;
    if (std::find(known.begin(), known.end(), currency) == known.end()) known.push_back(currency);
  }
  context.count("currencies of participants");
}

Result<store::ConnectorState> state_of(std::string_view name, const std::string& text, TimePoint now) {
  const Json json = TRY(parse_json(text));
  Fields fields = TRY(Fields::of(json));
  store::ConnectorState state{.state = std::string(name), .status = TRY(fields.text("status", 64))};
  if (std::find(kConnectorStatuses.begin(), kConnectorStatuses.end(), state.status) == kConnectorStatuses.end())
    return fail(Code::bad_request, fmt::format("status is \"{}\"; wanted {}", log::printable(state.status, 40),
                                               fmt::join(kConnectorStatuses, ", ")));
  state.state_description = TRY(fields.optional_text("stateDescription", kMaxDescriptionBytes));
  state.error_description = TRY(fields.optional_text("errorDescription", kMaxDescriptionBytes));
  // MCM, too, shows the present where there is none.
  state.last_updated = TRY(fields.optional_text("lastUpdated", 64)).value_or(format_utc(now));
  TRY(fields.nothing_left());
  if (!is_date_time(state.last_updated)) return fail(Code::bad_request, "lastUpdated is no time");
  return state;
}

void add_states(Context& context, const DumpRow& row) {
  const auto id = context.named(row.text("dfspId").value_or(""));
  if (!id) return context.leave_out(row.where(), "its DFSP is left out, or there is none");
  for (const std::string_view name : kConnectorStates) {
    const auto text = row.text(name);
    if (!text || *text == "null") continue;
    auto state = state_of(name, *text, context.now);
    if (!state) {
      context.leave_out(fmt::format("{}, {}", row.where(), name), state.error().message);
      continue;
    }
    context.out.import.states.emplace_back(*id, *std::move(state));
    context.count("connector states");
  }
}

}  // namespace

void import_participants(Context& context) {
  context.for_each_row("dfsps", [&](const DumpRow& row) { add_participant(context, row); });
  context.for_each_row("fxp_supported_currencies", [&](const DumpRow& row) { add_currency(context, row); });
}

void import_states(Context& context) {
  std::set<std::string> seen;
  context.for_each_row("dfsp_states_status", [&](const DumpRow& row) {
    if (seen.insert(store::folded(row.text("dfspId").value_or(""))).second) return add_states(context, row);
    context.leave_out(row.where(), "a second row for its DFSP");
  });
}

}  // namespace hubseal::agent::mcm
