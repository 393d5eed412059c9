#include "agent/agent.h"

#include <fmt/format.h>

#include "agent/config.h"
#include "agent/http/handlers/handlers.h"
#include "agent/http/pipeline.h"
#include "agent/http/server.h"
#include "agent/service/dfsp_cas.h"
#include "agent/service/dfsp_server_certs.h"
#include "agent/service/dfsps.h"
#include "agent/service/hub_ca.h"
#include "agent/service/hub_jws_key.h"
#include "agent/service/inbound_enrollments.h"
#include "agent/service/jws_keys.h"
#include "agent/service/outbound_enrollments.h"
#include "agent/service/pki.h"
#include "agent/service/signing_daemon.h"
#include "agent/store/database.h"
#include "common/log.h"

namespace hubseal::agent {
namespace {

constexpr std::chrono::seconds kHealthTimeout{2};
constexpr std::size_t kHealthConnections = 4;

}  // namespace

// Declared in the order in which each needs the ones before it.
struct Agent::Parts {
  Parts(const Config& config, std::unique_ptr<store::Database> opened)
      : drain_timeout(config.drain_timeout),
        database(std::move(opened)),
        dfsp_table(*database),
        dfsp_ca_table(*database),
        dfsp_server_cert_table(*database),
        inbound_table(*database),
        outbound_table(*database),
        jws_key_table(*database),
        client(config.daemon_socket, config.daemon_timeout),
        health_client(config.daemon_socket, kHealthTimeout, kHealthConnections),
        daemon(client),
        health_daemon(health_client),
        hub_ca(daemon, config.ca),
        pki(daemon),
        dfsps(dfsp_table, clock),
        dfsp_cas(dfsp_ca_table, clock),
        dfsp_server_certs(dfsp_server_cert_table, clock, {config.csr_rsa_bits}),
        inbound_enrollments(inbound_table, daemon, clock, {config.ca, config.client_profile, {config.csr_rsa_bits}}),
        outbound_enrollments(outbound_table, dfsp_cas, daemon, clock, {config.client_key, {config.csr_rsa_bits}}),
        hub_jws_key(health_daemon, config.hub_jws_key),
        jws_keys(jws_key_table, hub_jws_key, clock),
        pipeline(http::all_routes({*database, health_daemon, hub_ca, pki, dfsps, dfsp_cas, dfsp_server_certs,
                                   inbound_enrollments, outbound_enrollments, jws_keys, hub_jws_key}),
                 http::BrowserGuard(config.hosts)) {}

  const std::chrono::seconds drain_timeout;
  SystemClock clock;
  std::unique_ptr<store::Database> database;
  store::DfspTable dfsp_table;
  store::DfspCaTable dfsp_ca_table;
  store::DfspServerCertTable dfsp_server_cert_table;
  store::InboundEnrollmentTable inbound_table;
  store::OutboundEnrollmentTable outbound_table;
  store::JwsKeyTable jws_key_table;
  wire::DaemonClient client;
  wire::DaemonClient health_client;
  SigningDaemon daemon;
  SigningDaemon health_daemon;
  HubCa hub_ca;
  Pki pki;
  Dfsps dfsps;
  DfspCas dfsp_cas;
  DfspServerCerts dfsp_server_certs;
  InboundEnrollments inbound_enrollments;
  OutboundEnrollments outbound_enrollments;
  HubJwsKey hub_jws_key;
  JwsKeys jws_keys;
  http::Pipeline pipeline;
  std::unique_ptr<http::Server> server;
};

Agent::Agent(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Agent::~Agent() = default;

Result<std::unique_ptr<Agent>> Agent::start(const Config& config) {
  auto parts = std::make_unique<Parts>(config, TRY(store::Database::open(config.database)));
  if (const auto ready = parts->health_daemon.ready(); !ready || !*ready)
    log::warning("the signing daemon is not ready; nothing can be signed until it is",
                 {{"socket", config.daemon_socket}});
  parts->server = TRY(http::Server::start(config.server, parts->pipeline));
  log::warning(
      "NO AUTHENTICATION: whoever can connect to this loopback address can register participants and have "
      "certificates signed; never put a proxy to the network in front of it",
      {{"url", parts->server->url()}});
  log::info("hubseal-agent is listening", {{"url", parts->server->url()}});
  return std::unique_ptr<Agent>(new Agent(std::move(parts)));
}

const std::string& Agent::url() const { return parts_->server->url(); }

void Agent::stop() { parts_->server->drain(parts_->drain_timeout); }

}  // namespace hubseal::agent
