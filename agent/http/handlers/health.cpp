#include <chrono>

#include <fmt/format.h>

#include "agent/http/handlers/handlers.h"
#include "agent/service/signing_daemon.h"
#include "agent/store/database.h"
#include "common/clock.h"

namespace hubseal::agent::http {
namespace {

/// Clients know milliseconds.
std::string timestamp() {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto whole = std::chrono::floor<std::chrono::seconds>(now);
  std::string text = format_utc(whole);
  text.pop_back();
  return fmt::format("{}.{:03}Z", text, (now - whole).count());
}

// Without its database the agent serves nothing: 503 takes it out of a balancer. Without the signing
// daemon it still serves every reading route, so the answer stays 200 and says "degraded".
Outcome health(store::Database& store, SigningDaemon& signing) {
  const auto database = store.ping();
  const auto daemon = signing.ready();
  const bool signs = daemon && *daemon;
  return ok({{"status", !database ? "unhealthy"
                        : signs   ? "healthy"
                                  : "degraded"},
             {"timestamp", timestamp()},
             {"database", database ? "connected" : "disconnected"},
             {"signing", signs    ? "ready"
                         : daemon ? "degraded"
                                  : "unreachable"}},
            database ? 200 : 503);
}

}  // namespace

Route health_route(std::string path, store::Database& database, SigningDaemon& daemon) {
  return {.method = "GET",
          .path = std::move(path),
          .handler = [&database, &daemon](const Request&) { return health(database, daemon); },
          .roles = {Role::anybody}};
}

void add_health(std::vector<Route>& routes, const Services& services) {
  for (const char* path : {"/health", "/api/health"})
    routes.push_back(health_route(path, services.database, services.health_daemon));
}

}  // namespace hubseal::agent::http
