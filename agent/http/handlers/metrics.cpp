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
  routes.push_back({.method = "GET",
                    .path = "/live",
                    .handler = [](const Request&) -> Outcome {
                      Answer answer;
                      answer.content_type = "text/plain; charset=utf-8";
                      answer.body = "OK";
                      return answer;
                    },
                    .roles = {Role::anybody}});
  return routes;
}

}  // namespace hubseal::agent::http
