#include "cli/pages.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hubseal::cli {

Result<Pages> fetch_pages(const Session& session, std::string_view op, const std::string& member, const Json& asked,
                          int limit) {
  wire::DaemonClient daemon = session.client();
  *session.operation = op;
  Json all = Json::array();
  Json fields = asked;
  fields["limit"] = kPage;
  std::set<std::string> seen;
  while (true) {
    const int left = limit - static_cast<int>(all.size());
    if (limit > 0) fields["limit"] = std::min(kPage, left);
    Json page = TRY(daemon.call(op, fields));
    for (Json& item : page[member]) all.push_back(std::move(item));
    const bool enough = limit > 0 && static_cast<int>(all.size()) >= limit;
    if (!page.contains("next") || enough) return Pages{std::move(all), page.contains("next")};
    fields["after"] = page["next"];
    if (!seen.insert(dump_json(page["next"])).second)
      return fail(Code::internal,
                  fmt::format("hubseald begins the page after {} again and would never end", dump_json(page["next"])));
  }
}

}  // namespace hubseal::cli
