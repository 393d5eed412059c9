#include "agent/agent.h"

#include <fmt/format.h>

#include "agent/authentication.h"
#include "agent/config.h"
#include "agent/http/handlers/handlers.h"
#include "agent/http/ping_client.h"
#include "agent/http/pipeline.h"
#include "agent/http/server.h"
#include "agent/metrics_listener.h"
#include "agent/service/configured_names.h"
#include "agent/service/confirmed_endpoints.h"
#include "agent/service/connectivity.h"
#include "agent/service/credentials.h"
#include "agent/service/dfsp_cas.h"
#include "agent/service/dfsp_server_certs.h"
#include "agent/service/dfsps.h"
#include "agent/service/endpoint_documents.h"
#include "agent/service/endpoint_items.h"
#include "agent/service/hub_ca.h"
#include "agent/service/hub_jws_key.h"
#include "agent/service/hub_server_certs.h"
#include "agent/service/inbound_enrollments.h"
#include "agent/service/jws_keys.h"
#include "agent/service/key_consumers.h"
#include "agent/service/key_publication.h"
#include "agent/service/monetary_zones.h"
#include "agent/service/onboarding.h"
#include "agent/service/outbound_enrollments.h"
#include "agent/service/ping_watcher.h"
#include "agent/service/pki.h"
#include "agent/service/revocations.h"
#include "agent/service/signing_daemon.h"
#include "agent/service/verification_keys.h"
#include "agent/store/database.h"
#include "common/log.h"

namespace hubseal::agent {
namespace {

constexpr std::chrono::seconds kHealthTimeout{2};
constexpr std::size_t kHealthConnections = 4;

/// For the listener: whose client certificates are good, as the signing daemon says now.
Result<http::ClientTrust> trust_of(SigningDaemon& daemon, const std::vector<std::string>& cas) {
  Pki pki(daemon);
  http::ClientTrust trust;
  for (const std::string& ca : cas) {
    auto certificate = TRY(pki.certificate(ca));
    trust.authorities.push_back({std::move(certificate), TRY(pki.crl(ca))});
  }
  return trust;
}

std::vector<ConfiguredName> names_in(const Config& config) {
  using Kind = ConfiguredName::Kind;
  std::vector<ConfiguredName> names = {{Kind::issuer, "[hub] ca", config.ca},
                                       {Kind::profile, "[hub] client_profile", config.client_profile}};
  if (config.server_cert && config.server_cert->profile)
    names.push_back({Kind::profile, "[hub] server_profile", *config.server_cert->profile});
  if (config.hub_jws_key) names.push_back({Kind::jws_key, "[hub] jws_key", *config.hub_jws_key});
  for (const std::string& ca : config.client_cas) names.push_back({Kind::ca, "[tls] client_cas", ca});
  return names;
}

Result<publish::KeyFolder> open_key_folder(const std::filesystem::path& path) {
  auto opened = publish::KeyFolder::open(path);
  if (!opened) return fail(opened.error().code, "[publish] verification_keys: " + opened.error().message);
  return opened;
}

void tell_who_may_call(const Config& config, const std::string& url) {
  if (config.oidc)
    log::info("callers say who they are by tokens", {{"issuer", config.oidc->tokens.issuer}});
  else
    log::warning(
        "NO AUTHENTICATION: whoever can connect to this loopback address can register participants and have "
        "certificates signed; never put a proxy to the network in front of it",
        {{"url", url}});
}

}  // namespace

// Declared in the order in which each needs the ones before it.
struct Agent::Parts {
  Parts(const Config& config, std::unique_ptr<store::Database> opened, std::optional<Authentication::Ready> ready,
        std::unique_ptr<publish::Publisher> opened_publisher, std::unique_ptr<auth::CredentialKeeper> logins)
      : drain_timeout(config.drain_timeout),
        database(std::move(opened)),
        dfsp_table(*database),
        dfsp_ca_table(*database),
        dfsp_server_cert_table(*database),
        inbound_table(*database),
        item_table(*database),
        document_table(*database),
        connectivity_table(*database),
        zone_table(*database),
        outbound_table(*database),
        jws_key_table(*database),
        hub_server_cert_table(*database),
        client(config.daemon_socket, config.daemon_timeout, wire::DaemonClient::kConnections,
               counted.of_daemon_calls()),
        health_client(config.daemon_socket, kHealthTimeout, kHealthConnections, counted.of_daemon_calls()),
        daemon(client),
        health_daemon(health_client),
        hub_ca(daemon, config.ca, clock),
        pki(daemon),
        pki_for_readers(health_daemon),
        dfsps(dfsp_table, clock, config.dfsp_group_prefix(), config.hub_id),
        dfsp_cas(dfsp_ca_table, clock),
        dfsp_server_certs(dfsp_server_cert_table, clock, {config.csr_rsa_bits}),
        revocations([this] { return pki_for_readers.crls(); }),
        inbound_enrollments(inbound_table, daemon, revocations, clock,
                            {config.ca, config.client_profile, {config.csr_rsa_bits}}),
        endpoint_items(item_table, clock),
        endpoint_documents(document_table, clock),
        connectivity(connectivity_table),
        monetary_zones(zone_table, dfsp_table),
        outbound_enrollments(outbound_table, dfsp_cas, daemon, clock, {config.client_key, {config.csr_rsa_bits}}),
        publisher(std::move(opened_publisher)),
        confirmed_endpoints(item_table, document_table),
        onboarding(dfsps, dfsp_cas, outbound_enrollments, confirmed_endpoints, daemon, clock, publisher.get()),
        hub_jws_key(health_daemon, {config.hub_id, config.hub_jws_key}),
        jws_keys(jws_key_table, hub_jws_key, {dfsp_cas, daemon, revocations, config.ca, clock}, clock,
                 {config.hub_id, config.jws_keys}),
        verification_keys(jws_keys, health_daemon),
        jws_consumer_table(*database),
        key_consumers(jws_consumer_table, verification_keys, clock),
        keeper(std::move(logins)),
        hub_server_certs(hub_server_cert_table, daemon, revocations, clock,
                         {config.ca, config.hub_id, config.server_cert, {config.csr_rsa_bits}, config.server_roots}),
        authentication(Authentication::make(config, std::move(ready), *database, clock)),
        pipeline(http::all_routes({*database,
                                   health_daemon,
                                   hub_ca,
                                   pki,
                                   dfsps,
                                   dfsp_cas,
                                   dfsp_server_certs,
                                   inbound_enrollments,
                                   endpoint_items,
                                   endpoint_documents,
                                   connectivity,
                                   monetary_zones,
                                   outbound_enrollments,
                                   onboarding,
                                   jws_keys,
                                   verification_keys,
                                   key_consumers,
                                   hub_jws_key,
                                   hub_server_certs,
                                   authentication ? authentication->browser_auth() : nullptr,
                                   credentials ? &*credentials : nullptr,
                                   config.oidc.has_value(),
                                   config.server.tls_certificate.has_value()}),
                 http::BrowserGuard(config.hosts), authentication ? authentication->gate(dfsps) : http::Gate()) {}

  void watch(const WatchConfig& config) {
    const http::PingClient pings(config.ping_url, config.timeout);
    watcher = std::make_unique<PingWatcher>([pings](const std::string& dfsp_id) { return pings.ask(dfsp_id); },
                                            dfsp_table, connectivity_table, counted.pings, clock,
                                            PingWatcher::Pace{config.interval, config.parallel});
  }

  Result<> serve_metrics(const MetricsConfig& config, const std::string& ca) {
    metrics = TRY(MetricsListener::start(
        config, {counted, pipeline, *server, *database, connectivity_table, health_daemon, key_consumers, ca}));
    log::info("metrics are served", {{"url", metrics->url() + "/metrics"}});
    return {};
  }

  const std::chrono::seconds drain_timeout;
  SystemClock clock;
  Counted counted;
  std::unique_ptr<store::Database> database;
  store::DfspTable dfsp_table;
  store::DfspCaTable dfsp_ca_table;
  store::DfspServerCertTable dfsp_server_cert_table;
  store::InboundEnrollmentTable inbound_table;
  store::EndpointItemTable item_table;
  store::EndpointDocumentTable document_table;
  store::ConnectivityTable connectivity_table;
  store::MonetaryZoneTable zone_table;
  store::OutboundEnrollmentTable outbound_table;
  store::JwsKeyTable jws_key_table;
  store::HubServerCertTable hub_server_cert_table;
  wire::DaemonClient client;
  wire::DaemonClient health_client;
  SigningDaemon daemon;
  SigningDaemon health_daemon;
  HubCa hub_ca;
  Pki pki;
  Pki pki_for_readers;
  Dfsps dfsps;
  DfspCas dfsp_cas;
  DfspServerCerts dfsp_server_certs;
  Revocations revocations;
  InboundEnrollments inbound_enrollments;
  EndpointItems endpoint_items;
  EndpointDocuments endpoint_documents;
  Connectivity connectivity;
  MonetaryZones monetary_zones;
  OutboundEnrollments outbound_enrollments;
  std::unique_ptr<publish::Publisher> publisher;  // null: nothing is published
  ConfirmedEndpoints confirmed_endpoints;
  Onboarding onboarding;
  HubJwsKey hub_jws_key;
  JwsKeys jws_keys;
  VerificationKeys verification_keys;
  store::JwsConsumerTable jws_consumer_table;
  KeyConsumers key_consumers;
  std::unique_ptr<auth::CredentialKeeper> keeper;
  std::optional<Credentials> credentials =
      keeper ? std::optional<Credentials>(std::in_place, *keeper, dfsps, clock) : std::nullopt;
  HubServerCerts hub_server_certs;
  std::unique_ptr<Authentication> authentication;
  http::Pipeline pipeline;
  std::unique_ptr<http::Server> server;
  std::unique_ptr<PingWatcher> watcher;
  std::optional<KeyPublication> key_publication;  // nothing: no folder is kept
  std::unique_ptr<MetricsListener> metrics;
  std::unique_ptr<ConfiguredNames> names;
};

Agent::Agent(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Agent::~Agent() = default;

Result<std::unique_ptr<Agent>> Agent::start(const Config& config) {
  auto authentication = TRY(Authentication::prepare(config));
  std::unique_ptr<publish::Publisher> publisher;
  if (config.publish.bundles) publisher = TRY(publish::open_publisher(*config.publish.bundles));
  std::optional<publish::KeyFolder> key_folder;
  if (const auto& path = config.publish.verification_keys) key_folder = TRY(open_key_folder(*path));
  std::unique_ptr<auth::CredentialKeeper> logins;
  if (config.keycloak) logins = TRY(auth::Keycloak::make(*config.keycloak));
  auto parts = std::make_unique<Parts>(config, TRY(store::Database::open(config.database)), std::move(authentication),
                                       std::move(publisher), std::move(logins));
  if (const auto ready = parts->health_daemon.ready(); !ready || !*ready)
    log::warning("the signing daemon is not ready; nothing can be signed until it is",
                 {{"socket", config.daemon_socket}});
  parts->server = TRY(
      http::Server::start(config.server, parts->pipeline,
                          [&daemon = parts->health_daemon, cas = config.client_cas] { return trust_of(daemon, cas); }));
  parts->names = std::make_unique<ConfiguredNames>(parts->health_daemon, names_in(config));
  if (config.watch) parts->watch(*config.watch);
  if (key_folder) parts->key_publication.emplace(parts->verification_keys, *std::move(key_folder));
  if (config.metrics) TRY(parts->serve_metrics(*config.metrics, config.ca));
  tell_who_may_call(config, parts->server->url());
  log::info("hubseal-agent is listening", {{"url", parts->server->url()}});
  return std::unique_ptr<Agent>(new Agent(std::move(parts)));
}

const std::string& Agent::url() const { return parts_->server->url(); }

const http::Pipeline& Agent::pipeline() const { return parts_->pipeline; }

// What others are asked for in the middle of requests ends first: no request that waits for another host is waited for.
void Agent::stop() {
  if (parts_->keeper) parts_->keeper->stop();
  if (parts_->publisher) parts_->publisher->stop();
  if (parts_->authentication) parts_->authentication->stop();
  if (parts_->watcher) parts_->watcher->stop();
  if (parts_->key_publication) parts_->key_publication->stop();
  parts_->server->drain(parts_->drain_timeout);
  parts_->watcher.reset();
  parts_->key_publication.reset();
  parts_->names.reset();
}

}  // namespace hubseal::agent
