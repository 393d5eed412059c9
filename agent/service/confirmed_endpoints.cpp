#include "agent/service/confirmed_endpoints.h"

#include <set>

#include <nlohmann/json.hpp>

#include "agent/service/address_width.h"
#include "agent/service/endpoint_values.h"

namespace hubseal::agent {
namespace {

tl::unexpected<Error> not_good(const std::string& why) {
  return fail(Code::conflict, "what is confirmed to be good: " + why);
}

std::vector<std::string> ordered(const std::set<std::string>& texts) { return {texts.begin(), texts.end()}; }

}  // namespace

Result<std::vector<Json>> ConfirmedEndpoints::items(const std::string& dfsp_id, std::string_view direction,
                                                    std::string_view type) {
  std::vector<Json> values;
  for (const store::EndpointItem& item : TRY(items_.list(dfsp_id)))
    if (item.state == "CONFIRMED" && item.direction == direction && item.type == type)
      values.push_back(Json::parse(item.value_json));
  return values;
}

Result<std::vector<std::string>> ConfirmedEndpoints::ingress_urls(const std::string& dfsp_id) {
  std::vector<Json> values = TRY(items(dfsp_id, "INGRESS", "URL"));
  if (const auto document = TRY(documents_.latest_confirmed(dfsp_id, "INGRESS")))
    values.push_back(Json::parse(document->value_json));
  std::set<std::string> urls;
  for (const Json& value : values) {
    const UrlEntry entry{value.at("url").get<std::string>()};
    if (const auto good = check(entry); !good) return not_good(good.error().message);
    urls.insert(entry.url);
  }
  return ordered(urls);
}

Result<std::vector<std::string>> ConfirmedEndpoints::egress_addresses(const std::string& dfsp_id) {
  std::vector<Json> values = TRY(items(dfsp_id, "EGRESS", "IP"));
  if (const auto document = TRY(documents_.latest_confirmed(dfsp_id, "EGRESS"))) {
    const Json json = Json::parse(document->value_json);
    for (const Json& value : json.at("ipList")) values.push_back(value);
  }
  std::set<std::string> addresses;
  for (const Json& value : values) {
    const IpEntry entry{value.at("address").get<std::string>(), value.at("ports").get<std::vector<std::string>>()};
    if (const auto good = check(entry); !good) return not_good(good.error().message);
    addresses.insert(entry.address);
  }
  auto list = ordered(addresses);
  if (const auto why = too_wide(list)) return not_good("it has " + *why);
  return list;
}

}  // namespace hubseal::agent
