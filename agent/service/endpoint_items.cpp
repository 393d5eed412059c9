#include "agent/service/endpoint_items.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/service/address_width.h"
#include "common/log.h"

namespace hubseal::agent {
namespace {

using Item = EndpointItems::Item;
using Kind = EndpointItems::Kind;
using Owner = EndpointItems::Owner;
using Change = EndpointItems::Change;

// An item whose value has stood for so long is what people have read of it, where they do not say what they have read.
constexpr std::chrono::minutes kTimeToRead{5};

std::string_view type_of(const EndpointValue& value) { return std::holds_alternative<IpEntry>(value) ? "IP" : "URL"; }

tl::unexpected<Error> missing(std::int64_t id) {
  return fail(Code::not_found, fmt::format("Item with id: {} not found", id));
}

Result<> check_kind(const Item& item, const std::optional<Kind>& kind) {
  if (!kind) return {};
  if (item.direction != kind->direction)
    return fail(Code::bad_request,
                fmt::format("Wrong direction: item {} is {}, wanted {}", item.id, item.direction, kind->direction));
  if (item.type != kind->type)
    return fail(Code::bad_request, fmt::format("Wrong type: item {} is {}, wanted {}", item.id, item.type, kind->type));
  return {};
}

Result<> check_change(const Item& item, const std::optional<Kind>& kind, const Change& change) {
  if (!change.value && !change.state)
    return fail(Code::bad_request,
                fmt::format("nothing to change; wanted \"value\"{}", item.dfsp_id ? "" : " or \"state\""));
  if (change.direction && *change.direction != item.direction)
    return fail(Code::bad_request, fmt::format("Bad direction value: {}; item {} stays {}",
                                               log::printable(*change.direction, 16), item.id, item.direction));
  if (change.type && *change.type != item.type)
    return fail(Code::bad_request, fmt::format("Bad type value: {}; item {} stays {}", log::printable(*change.type, 16),
                                               item.id, item.type));
  // A client may send back what it has read.
  if (const bool fixed = item.dfsp_id || kind; fixed && change.state && *change.state != item.state)
    return fail(Code::bad_request,
                fmt::format("state is \"{}\"; wanted \"{}\": {}", log::printable(*change.state, 16), item.state,
                            item.dfsp_id ? "a DFSP's item changes its state when the hub confirms it"
                                         : "the hub's items change their state below /api/hub/endpoints/ID"));
  if (!change.value) return {};
  if (type_of(*change.value) != item.type)
    return fail(Code::bad_request,
                fmt::format("Bad type value: item {} is {}; wanted {}", item.id, item.type,
                            item.type == "IP" ? "a value with address and ports" : "a value with a url"));
  return check(*change.value);
}

std::int64_t seconds(TimePoint time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

void apply(Item& item, const Change& change, TimePoint now) {
  if (change.state) item.state = *change.state;
  if (!change.value) return;
  std::string value = dump_json(to_json(*change.value));
  if (value == item.value_json) return;
  if (item.dfsp_id) item.state = "NEW";
  item.value_json = std::move(value);
  item.value_changed_at = seconds(now);
}

/// The hub's own people know how wide its networks are.
Result<> check_width(const std::vector<Item>& items) {
  std::vector<std::string> addresses;
  for (const Item& item : items)
    if (item.dfsp_id && item.type == "IP")
      addresses.push_back(Json::parse(item.value_json).at("address").get<std::string>());
  if (const auto why = too_wide(addresses)) return fail(Code::conflict, "these items would have " + *why);
  return {};
}

Result<> check_time_to_read(const Item& item, TimePoint now) {
  const auto free = item.value_changed_at.value_or(0) + std::chrono::seconds(kTimeToRead).count();
  if (!item.value_changed_at || seconds(now) >= free) return {};
  return fail(Code::conflict, fmt::format("item {} has changed since {}: look again, and confirm it with the ETag of "
                                          "what you have read in the header If-Match, or in {} seconds",
                                          item.id, format_utc(TimePoint(std::chrono::seconds(*item.value_changed_at))),
                                          free - seconds(now)));
}

void note(std::string_view event, const Caller& caller, const Owner& owner, std::int64_t id) {
  log::info(event,
            {{"owner", owner.value_or("hub")}, {"item", std::to_string(id)}, {"correlation", caller.correlation_id}});
}

}  // namespace

Result<Item> EndpointItems::add(const Caller& caller, const Owner& owner, const Kind& kind,
                                const EndpointValue& value) {
  TRY(check(value));
  Item item;
  item.dfsp_id = owner;
  item.direction = kind.direction;
  item.type = kind.type;
  item.value_json = dump_json(to_json(value));
  Item stored = TRY(table_.add(std::move(item), clock_.now(), check_width));
  note("endpoint item stored", caller, owner, stored.id);
  return stored;
}

Result<std::vector<Item>> EndpointItems::list(const Owner& owner, const Kind& kind) {
  std::vector<Item> items = TRY(table_.list(owner));
  std::erase_if(items, [&](const Item& item) { return item.direction != kind.direction || item.type != kind.type; });
  return items;
}

Result<std::vector<Item>> EndpointItems::unprocessed(const std::string& dfsp_id) {
  std::vector<Item> items = TRY(table_.list(dfsp_id));
  std::erase_if(items, [](const Item& item) { return item.state != "NEW"; });
  return items;
}

Result<Item> EndpointItems::get(const Owner& owner, std::int64_t id, const std::optional<Kind>& kind) {
  std::optional<Item> item = TRY(table_.find(owner, id));
  if (!item) return missing(id);
  TRY(check_kind(*item, kind));
  return *std::move(item);
}

Result<Item> EndpointItems::change(const Caller& caller, const Owner& owner, std::int64_t id,
                                   const std::optional<Kind>& kind, const Change& change) {
  const auto edit = [&](Item& found) -> Result<> {
    TRY(check_kind(found, kind));
    TRY(check_change(found, kind, change));
    apply(found, change, clock_.now());
    return {};
  };
  std::optional<Item> item = TRY(table_.change(owner, id, edit, check_width));
  if (!item) return missing(id);
  note("endpoint item changed", caller, owner, id);
  return *std::move(item);
}

Result<> EndpointItems::remove(const Caller& caller, const Owner& owner, std::int64_t id,
                               const std::optional<Kind>& kind) {
  const bool removed = TRY(table_.remove(owner, id, [&](const Item& item) { return check_kind(item, kind); }));
  if (!removed) return missing(id);
  note("endpoint item removed", caller, owner, id);
  return {};
}

Result<Item> EndpointItems::confirm(const Caller& caller, const std::string& dfsp_id, std::int64_t id, Seen seen) {
  const auto edit = [&](Item& found) -> Result<> {
    if (seen == Seen::unknown) TRY(check_time_to_read(found, clock_.now()));
    found.state = "CONFIRMED";
    return {};
  };
  std::optional<Item> item = TRY(table_.change(dfsp_id, id, edit, check_width));
  if (!item) return missing(id);
  note("endpoint item confirmed", caller, dfsp_id, id);
  return *std::move(item);
}

}  // namespace hubseal::agent
