#include "agent/metrics_listener.h"

#include "agent/config.h"
#include "agent/http/handlers/handlers.h"
#include "agent/metrics/exposition.h"
#include "agent/metrics/process.h"
#include "agent/store/database.h"

namespace hubseal::agent {
namespace {

using metrics::Exposition;
using metrics::Kind;

/// Whoever was told to ask an address may name it.
std::vector<std::string> hosts_of(const MetricsConfig& config) {
  std::vector<std::string> hosts = config.hosts;
  const std::string& address = config.server.address;
  hosts.push_back(address.find(':') == std::string::npos ? address : "[" + address + "]");
  return hosts;
}

void write_connections(Exposition& page, const http::Server::Load& connections) {
  page.single("hubseal_agent_http_connections_open", Kind::gauge, "Open connections.", connections.open);
  page.single("hubseal_agent_http_connections_waiting", Kind::gauge, "Connections that wait to be served.",
              connections.waiting);
  page.single("hubseal_agent_http_connections_max", Kind::gauge, "How many may be open.", connections.max);
  page.single("hubseal_agent_http_connections_served_total", Kind::counter, "Connections that were served.",
              connections.served);
  page.single("hubseal_agent_http_connections_refused_total", Kind::counter, "Connections too many.",
              connections.refused);
}

/// MCM's counter, for both of the things that it counts.
void write_errors(Exposition& page, metrics::Pings& pings, const store::Refusals& refusals) {
  page.family("errorCount", Kind::counter, "Errors, of pings and of the database.");
  pings.write_errors(page);
  for (const auto& [code, count] :
       {std::pair("conn_failed", refusals.connections), std::pair("unknown_db_error", refusals.others)})
    page.sample(static_cast<double>(count),
                {{"system", "database"}, {"code", code}, {"context", "MCM_DB"}, {"operation", "any"}});
}

}  // namespace

wire::DaemonClient::Observer Counted::of_daemon_calls() {
  return [this](std::string_view op, const Result<Json>& reply, std::chrono::steady_clock::duration took) {
    daemon_calls.observe({std::string(op), std::string(reply ? "ok" : to_string(reply.error().code))}, took);
  };
}

MetricsListener::MetricsListener(const MetricsConfig& config, const Sources& sources)
    : sources_(sources),
      overview_(sources.database),
      scheme_(sources.connectivity, overview_, sources.daemon, sources.key_consumers, sources.ca),
      pipeline_(http::metrics_routes([this] { return page(); }, sources.database, sources.daemon),
                http::BrowserGuard(hosts_of(config))) {}

Result<std::unique_ptr<MetricsListener>> MetricsListener::start(const MetricsConfig& config, const Sources& sources) {
  std::unique_ptr<MetricsListener> listener(new MetricsListener(config, sources));
  listener->server_ = TRY(http::Server::start(config.server, listener->pipeline_, nullptr));
  return listener;
}

std::string MetricsListener::page() {
  Exposition page;
  sources_.pipeline.requests().write(page);
  write_connections(page, sources_.server.load());
  sources_.counted.daemon_calls.write(page);
  write_errors(page, sources_.counted.pings, sources_.database.refusals());
  sources_.counted.pings.write_latencies(page);
  scheme_.write(page);
  metrics::write_process(page);
  return page.text();
}

}  // namespace hubseal::agent
