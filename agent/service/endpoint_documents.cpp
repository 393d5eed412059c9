#include "agent/service/endpoint_documents.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/service/address_width.h"
#include "common/log.h"

namespace hubseal::agent {

using Document = EndpointDocuments::Document;

Result<Document> EndpointDocuments::set_ingress(const Caller& caller, const std::string& dfsp_id,
                                                const UrlEntry& entry) {
  TRY(check(entry));
  return store(caller,
               {.dfsp_id = dfsp_id, .direction = "INGRESS", .value_json = dump_json(to_json(EndpointValue(entry)))});
}

Result<Document> EndpointDocuments::set_egress(const Caller& caller, const std::string& dfsp_id,
                                               const std::vector<IpEntry>& entries) {
  Json list = Json::array();
  std::vector<std::string> addresses;
  for (const IpEntry& entry : entries) {
    TRY(check(entry));
    Json item = to_json(entry);
    if (std::find(list.begin(), list.end(), item) != list.end())
      return fail(Code::bad_request, fmt::format("ipList has {} twice; wanted each entry once", entry.address));
    list.push_back(std::move(item));
    addresses.push_back(entry.address);
  }
  if (list.empty()) return fail(Code::bad_request, "ipList is empty; wanted at least one entry");
  if (const auto why = too_wide(addresses)) return fail(Code::bad_request, "ipList has " + *why);
  const Json value = {{"ipList", std::move(list)}};
  return store(caller, {.dfsp_id = dfsp_id, .direction = "EGRESS", .value_json = dump_json(value)});
}

Result<Document> EndpointDocuments::latest(const std::string& dfsp_id, const std::string& direction) {
  auto document = TRY(table_.latest(dfsp_id, direction));
  if (!document) return fail(Code::not_found, "Endpoint configuration not found!");
  return *std::move(document);
}

Result<Document> EndpointDocuments::confirm(const Caller& caller, const std::string& dfsp_id,
                                            const std::string& direction, std::int64_t id) {
  auto document = TRY(table_.confirm(dfsp_id, direction, id, clock_.now()));
  if (!document)
    return fail(Code::not_found, fmt::format("{} document {} of DFSP {} not found", direction, id, dfsp_id));
  log::info("endpoint document confirmed", {{"dfsp", dfsp_id},
                                            {"direction", direction},
                                            {"document", std::to_string(id)},
                                            {"caller", caller.who()},
                                            {"correlation", caller.correlation_id}});
  return *std::move(document);
}

Result<Document> EndpointDocuments::store(const Caller& caller, Document document) {
  // Connectors repeat themselves every minute: that costs no write and no line in the log.
  auto last = TRY(table_.latest(document.dfsp_id, document.direction));
  if (last && last->value_json == document.value_json) return *std::move(last);
  Document stored = TRY(table_.add(std::move(document), clock_.now()));
  log::info("endpoint document stored", {{"dfsp", stored.dfsp_id},
                                         {"direction", stored.direction},
                                         {"document", std::to_string(stored.id)},
                                         {"correlation", caller.correlation_id}});
  return stored;
}

}  // namespace hubseal::agent
