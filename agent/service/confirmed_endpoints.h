#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/store/endpoint_document_table.h"
#include "agent/store/endpoint_item_table.h"
#include "common/json.h"
#include "common/result.h"

namespace hubseal::agent {

/// What the hub's people have confirmed of where participants receive and from where they call: what filters may open
/// for. Everything is looked at again, however it came into the database.
class ConfirmedEndpoints {
 public:
  ConfirmedEndpoints(store::EndpointItemTable& items, store::EndpointDocumentTable& documents)
      : items_(items), documents_(documents) {}

  /// Ordered, each once. Errors: conflict, naming what is not good.
  Result<std::vector<std::string>> ingress_urls(const std::string& dfsp_id);
  /// Addresses and networks, ordered, each once, and not too much together. Errors: conflict, naming what is not good.
  Result<std::vector<std::string>> egress_addresses(const std::string& dfsp_id);

 private:
  Result<std::vector<Json>> items(const std::string& dfsp_id, std::string_view direction, std::string_view type);

  store::EndpointItemTable& items_;
  store::EndpointDocumentTable& documents_;
};

}  // namespace hubseal::agent
