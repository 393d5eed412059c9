#include "agent/publish/publisher.h"

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "agent/publish/folder.h"

namespace hubseal::agent::publish {

Json to_json(const Bundle& bundle) {
  Json json = {{"ca_bundle", bundle.ca_bundle},
               {"client_key", bundle.client_key},
               {"client_cert_chain", bundle.client_cert_chain},
               {"fqdn", bundle.fqdn},
               {"host", bundle.dfsp_id}};
  if (bundle.currency) json["currency_code"] = *bundle.currency;
  json["fxpCurrencies"] = fmt::format("{}", fmt::join(bundle.fxp_currencies, " "));
  json["isProxy"] = bundle.is_proxy;
  json["ingress_urls"] = bundle.ingress_urls;
  json["whitelist"] = bundle.whitelist;
  return json;
}

Result<std::unique_ptr<Publisher>> open_publisher(const Target& target) {
  if (const auto* vault = std::get_if<VaultTarget>(&target)) return open_vault(*vault);
  return open_folder(std::get<std::filesystem::path>(target));
}

}  // namespace hubseal::agent::publish
