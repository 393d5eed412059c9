#include "agent/http/request_metrics.h"

#include <algorithm>

#include "agent/metrics/exposition.h"

namespace hubseal::agent::http {

RequestMetrics::RequestMetrics(const std::vector<Route>& routes) {
  rows_.emplace_back();
  by_route_.emplace(nullptr, &rows_.front());
  for (const Route& route : routes) {
    Row& row = rows_.emplace_back();
    row.method = route.method;
    row.path = route.path;
    by_route_.emplace(&route, &row);
  }
}

void RequestMetrics::count(const Answer& answer) {
  const auto kind = static_cast<std::size_t>(std::clamp(answer.status / 100, 2, 5) - 2);
  by_route_.at(answer.route)->classes[kind].observe(answer.took);
}

void RequestMetrics::write(metrics::Exposition& page) const {
  page.family(
      "hubseal_agent_http_request_duration_seconds", metrics::Kind::histogram,
      "From the complete request to its answer, by route; an empty route: none, or the request was not complete.");
  for (const Row& row : rows_)
    for (std::size_t i = 0; i < kClasses.size(); ++i) {
      const auto values = row.classes[i].values();
      if (values.count != 0)
        page.histogram(values, {{"method", row.method}, {"route", row.path}, {"status", kClasses[i]}});
    }
}

}  // namespace hubseal::agent::http
