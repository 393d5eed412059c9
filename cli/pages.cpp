#include "cli/pages.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace hubseal::cli {

Result<Pages> fetch_pages(const Session& session, std::string_view op, const std::string& member, const Json& asked,
                          int limit) {
  wire::DaemonClient daemon = session.client();
  *session.operation = op;
  Json all = Json::array();
  Json fields = asked;
  fields["limit"] = kPage;
  while (true) {
    const int left = limit - static_cast<int>(all.size());
    if (limit > 0) fields["limit"] = std::min(kPage, left);
    Json page = TRY(daemon.call(op, fields));
    for (Json& item : page[member]) all.push_back(std::move(item));
    const bool enough = limit > 0 && static_cast<int>(all.size()) >= limit;
    if (!page.contains("next") || enough) return Pages{std::move(all), page.contains("next")};
    fields["after"] = page["next"];
  }
}

}  // namespace hubseal::cli
