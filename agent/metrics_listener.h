#pragma once

#include <memory>
#include <string>

#include "agent/http/pipeline.h"
#include "agent/http/server.h"
#include "agent/metrics/histogram.h"
#include "agent/metrics/pings.h"
#include "agent/service/scheme_metrics.h"
#include "agent/store/overview_table.h"
#include "common/result.h"
#include "common/wire/daemon_client.h"

namespace hubseal::agent {

struct MetricsConfig;

/// What is counted while the agent works, whether or not somebody reads it.
struct Counted {
  metrics::Histograms daemon_calls{"hubseal_agent_daemon_call_duration_seconds",
                                   "Calls of hubseald, by operation and result: ok, or the code of its refusal.",
                                   {"operation", "result"}};
  metrics::Pings pings;

  wire::DaemonClient::Observer of_daemon_calls();
};

/// Serves metrics to Prometheus, on a listener of its own: it asks nobody who they are.
/// Owns: the listener and its few threads.
class MetricsListener {
 public:
  struct Sources {
    Counted& counted;
    const http::Pipeline& pipeline;
    const http::Server& server;
    store::Database& database;
    store::ConnectivityTable& connectivity;
    SigningDaemon& daemon;  ///< asked with a short deadline
    KeyConsumers& key_consumers;
    std::string ca;
  };

  /// Serves when this returns. All sources must outlive it.
  static Result<std::unique_ptr<MetricsListener>> start(const MetricsConfig& config, const Sources& sources);

  const std::string& url() const { return server_->url(); }

 private:
  MetricsListener(const MetricsConfig& config, const Sources& sources);

  std::string page();

  const Sources sources_;
  store::OverviewTable overview_;
  SchemeMetrics scheme_;
  const http::Pipeline pipeline_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace hubseal::agent
