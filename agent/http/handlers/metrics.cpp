#include "agent/http/handlers/handlers.h"
#include "agent/metrics/exposition.h"

namespace hubseal::agent::http {

std::vector<Route> metrics_routes(std::function<std::string()> page, store::Database& database, SigningDaemon& daemon) {
  std::vector<Route> routes;
  routes.push_back({.method = "GET",
                    .path = "/metrics",
                    .handler = [page = std::move(page)](const Request&) -> Outcome {
                      Answer answer;
                      answer.content_type = metrics::Exposition::kContentType;
                      answer.body = page();
                      return answer;
                    },
                    .roles = {Role::anybody}});
  routes.push_back(health_route("/health", database, daemon));
  return routes;
}

}  // namespace hubseal::agent::http
