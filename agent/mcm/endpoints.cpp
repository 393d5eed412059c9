#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/mcm/context.h"
#include "agent/service/endpoint_values.h"
#include "common/fields.h"
#include "common/log.h"

namespace hubseal::agent::mcm {
namespace {

constexpr std::size_t kMaxEntries = 64;  // as POST .../endpoints/egress has it

Result<IpEntry> ip_of(Json value) {
  IpEntry entry;
  if (value.is_object() && value.contains("description") && value["description"] == "") {
    entry.description = "";  // which Fields takes for none
    value.erase("description");
  }
  Fields fields = TRY(Fields::of(value));
  entry.address = TRY(fields.text("address", 64));
  entry.ports = TRY(fields.text_list("ports", kMaxEntries, 16));
  if (auto description = TRY(fields.optional_text("description", 512))) entry.description = std::move(description);
  TRY(fields.nothing_left());
  TRY(check(entry));
  return entry;
}

Result<UrlEntry> url_of(const Json& value) {
  Fields fields = TRY(Fields::of(value));
  UrlEntry entry{TRY(fields.text("url", kMaxUrlBytes))};
  TRY(fields.nothing_left());
  TRY(check(entry));
  return entry;
}

Result<Json> value_of(const DumpRow& row) { return parse_json(row.text("value").value_or("")); }

Result<store::EndpointItem> item_of(const DumpRow& row) {
  store::EndpointItem item;
  item.id = row.number("id").value_or(0);
  item.direction = row.text("direction").value_or("");
  item.type = row.text("type").value_or("");
  if (item.id < 1) return fail(Code::bad_request, "it has no number");
  const bool known = (item.type == "IP" && (item.direction == "INGRESS" || item.direction == "EGRESS")) ||
                     (item.type == "URL" && item.direction == "INGRESS");
  if (!known)
    return fail(Code::bad_request, fmt::format("it is {} {}; wanted INGRESS IP, EGRESS IP or INGRESS URL",
                                               log::printable(item.direction, 16), log::printable(item.type, 16)));
  const Json value = TRY(value_of(row));
  item.value_json =
      item.type == "IP" ? dump_json(to_json(TRY(ip_of(value)))) : dump_json(to_json(EndpointValue(TRY(url_of(value)))));
  return item;
}

/// A state that nobody knows is as good as one that nobody has confirmed. So is CONFIRMED of a participant's item: MCM
/// takes the state from whoever sends it, and keeps it when the value changes.
std::string state_of(Context& context, const DumpRow& row, const std::optional<std::string>& owner) {
  const std::string state = row.text("state").value_or("");
  if (owner && state == "CONFIRMED") {
    context.change(row.where(), fmt::format("it was CONFIRMED, which DFSP {} could write itself; now it is NEW: look "
                                            "at it, and confirm it again",
                                            *owner));
    return "NEW";
  }
  if (state == "NEW" || state == "CONFIRMED" || state == "INVALID") return state;
  context.change(row.where(), fmt::format("its state is \"{}\"; now it is NEW", log::printable(state, 24)));
  return "NEW";
}

/// Those of one owner that are stored, to find what is there twice.
using Seen = std::map<std::string, std::int64_t>;

void add_item(Context& context, const DumpRow& row, const std::optional<std::string>& owner, Seen& seen) {
  auto item = item_of(row);
  if (!item) return context.leave_out(row.where(), item.error().message);
  const auto [other, is_new] = seen.emplace(item->direction + item->type + item->value_json, item->id);
  if (!is_new) return context.leave_out(row.where(), fmt::format("it says what item {} says", other->second));
  if (seen.size() > store::kMaxEndpointItems)
    return context.leave_out(row.where(), fmt::format("its owner has {} already", store::kMaxEndpointItems));
  item->dfsp_id = owner;
  item->state = state_of(context, row, owner);
  item->created_at = context.time_of(row.where(), row.text("created_date"));
  context.out.import.items.push_back(*std::move(item));
  context.count(owner ? "endpoint items of participants" : "endpoint items of the hub");
}

Result<std::string> document_value(const DumpRow& row, const std::string& direction) {
  const Json value = TRY(value_of(row));
  if (direction == "INGRESS") return dump_json(to_json(EndpointValue(TRY(url_of(value)))));
  if (!value.is_object() || value.size() != 1 || !value.contains("ipList") || !value["ipList"].is_array() ||
      value["ipList"].empty() || value["ipList"].size() > kMaxEntries)
    return fail(Code::bad_request, fmt::format("it has no ipList of 1 to {} entries", kMaxEntries));
  Json list = Json::array();
  for (const Json& entry : value["ipList"]) {
    Json item = to_json(TRY(ip_of(entry)));
    if (std::find(list.begin(), list.end(), item) != list.end())
      return fail(Code::bad_request, "an entry stands twice");
    list.push_back(std::move(item));
  }
  return dump_json({{"ipList", std::move(list)}});
}

/// The newest counts: where it is refused, an older one must not come into force again.
void add_documents(Context& context, const std::string& owner, const std::string& direction,
                   std::vector<DumpRow> rows) {
  std::sort(rows.begin(), rows.end(),
            [](const DumpRow& a, const DumpRow& b) { return a.number("id") > b.number("id"); });
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const DumpRow& row = rows[i];
    if (i >= store::kKeptEndpointDocuments) {
      context.leave_out(row.where(), fmt::format("older than the {} that are kept", store::kKeptEndpointDocuments));
      continue;
    }
    auto value = document_value(row, direction);
    if (!value) {
      context.leave_out(row.where(), value.error().message);
      if (i > 0) continue;
      for (const DumpRow& older : std::span(rows).subspan(1))
        context.leave_out(older.where(), fmt::format("the newer one, {}, is left out", row.where()));
      return;
    }
    context.out.import.documents.push_back({.id = *row.number("id"),
                                            .dfsp_id = owner,
                                            .direction = direction,
                                            .value_json = *std::move(value),
                                            .created_at = context.time_of(row.where(), row.text("created_at"))});
    context.count("endpoint documents");
  }
}

}  // namespace

void import_endpoints(Context& context) {
  Seen of_hub;
  context.for_each_row("hub_endpoint_items", [&](const DumpRow& row) { add_item(context, row, std::nullopt, of_hub); });
  std::map<std::string, Seen> of_dfsps;
  context.for_each_row("dfsp_endpoint_items", [&](const DumpRow& row) {
    if (const auto owner = context.owner(row.where(), row.number("dfsp_id")))
      add_item(context, row, owner, of_dfsps[*owner]);
  });
  std::map<std::pair<std::string, std::string>, std::vector<DumpRow>> documents;
  context.for_each_row("dfsp_endpoint", [&](const DumpRow& row) {
    const auto owner = context.owner(row.where(), row.number("dfsp_id"));
    if (!owner) return;
    const std::string direction = row.text("direction").value_or("");
    if ((direction != "INGRESS" && direction != "EGRESS") || row.number("id").value_or(0) < 1)
      return context.leave_out(row.where(), "it has no number, or a direction other than INGRESS and EGRESS");
    documents[{*owner, direction}].push_back(row);
  });
  for (auto& [key, rows] : documents) add_documents(context, key.first, key.second, std::move(rows));
}

}  // namespace hubseal::agent::mcm
