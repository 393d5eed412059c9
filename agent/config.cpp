#include "agent/config.h"

#include <arpa/inet.h>

#include <array>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/config_auth.h"
#include "agent/config_publish.h"
#include "agent/service/certificate.h"
#include "agent/service/endpoint_values.h"
#include "common/fields.h"
#include "common/files.h"
#include "common/toml.h"

namespace hubseal::agent {
namespace {

constexpr std::size_t kMaxPathBytes = 4096;

using http::ClientCertificates;
constexpr std::array<std::pair<std::string_view, ClientCertificates>, 3> kClientCertificates = {
    {{"none", ClientCertificates::none},
     {"optional", ClientCertificates::optional},
     {"required", ClientCertificates::required}}};

using Accept = JwsKeys::Accept;
constexpr std::array<std::pair<std::string_view, Accept>, 3> kAccepts = {
    {{"any", Accept::any}, {"proof", Accept::proof}, {"certificate", Accept::certificate}}};

Result<std::chrono::seconds> seconds(Fields& fields, std::string_view key, std::int64_t max, std::int64_t fallback) {
  return std::chrono::seconds(TRY(fields.integer_or(key, 1, max, fallback)));
}

Result<> check_address(std::string_view key, const std::string& address) {
  std::array<unsigned char, sizeof(in6_addr)> binary{};
  if (::inet_pton(AF_INET, address.c_str(), binary.data()) == 1 ||
      ::inet_pton(AF_INET6, address.c_str(), binary.data()) == 1)
    return {};
  return fail(Code::bad_request,
              fmt::format("\"{}\" is \"{}\"; wanted an IP address such as 127.0.0.1 or ::1", key, address));
}

Result<> read_listen(Fields fields, Config& config) {
  config.server.address = TRY(fields.text("address", 64));
  TRY(check_address("listen.address", config.server.address));
  config.server.port = static_cast<std::uint16_t>(TRY(fields.integer("port", 0, 65535)));
  config.server.max_connections = static_cast<int>(TRY(fields.integer_or("max_connections", 4, 1024, 128)));
  config.server.request_timeout = TRY(seconds(fields, "request_timeout_seconds", 300, 10));
  config.server.keep_alive_timeout = TRY(seconds(fields, "keep_alive_timeout_seconds", 300, 15));
  config.drain_timeout = TRY(seconds(fields, "drain_timeout_seconds", 300, 20));
  config.hosts = TRY(fields.text_list("hosts", 32, 253));
  return fields.nothing_left();
}

Result<> read_tls(Fields fields, Config& config) {
  config.server.tls_certificate = TRY(fields.text("certificate", kMaxPathBytes));
  config.server.tls_private_key = TRY(fields.text("private_key", kMaxPathBytes));
  if (fields.has("client_certificates"))
    config.server.client_certificates = TRY(fields.choice("client_certificates", kClientCertificates));
  config.client_cas = TRY(fields.text_list("client_cas", 8, 64));
  if (config.client_cas.empty() && config.server.client_certificates != ClientCertificates::none)
    return fail(Code::bad_request, "\"tls.client_cas\" is empty: no client certificate could be good");
  return fields.nothing_left();
}

Result<> read_daemon(Fields fields, Config& config) {
  config.daemon_socket = TRY(fields.text("socket", 107));  // sun_path without its NUL
  config.daemon_timeout = TRY(seconds(fields, "timeout_seconds", 300, 30));
  return fields.nothing_left();
}

/// A key of the hub for TLS, which must pass the length check that CSRs and certificates get.
Result<NewKey> read_new_key(Fields fields, std::string_view section, int rsa_bits) {
  NewKey key;
  key.type = TRY(fields.choice("type", kKeyTypes));
  if (is_rsa(key.type) && rsa_bits == 4096 && key.type != KeyType::rsa_4096)
    return fail(Code::bad_request, fmt::format("\"{}.type\" is {}, and \"hub.csr_rsa_bits\" is 4096; wanted "
                                               "rsa_4096, ec_p256 or ec_p384",
                                               section, to_string(key.type)));
  std::vector<x509::DistinguishedName::Entry> subject;
  const auto add = [&](x509::Attribute attribute, std::optional<std::string> value) {
    if (value) subject.emplace_back(attribute, *std::move(value));
  };
  add(x509::Attribute::common_name, TRY(fields.optional_text("common_name", 512)));
  add(x509::Attribute::organization, TRY(fields.optional_text("organization", 512)));
  add(x509::Attribute::organizational_unit, TRY(fields.optional_text("organizational_unit", 512)));
  add(x509::Attribute::locality, TRY(fields.optional_text("locality", 512)));
  add(x509::Attribute::state, TRY(fields.optional_text("state", 512)));
  add(x509::Attribute::country, TRY(fields.optional_text("country", 512)));
  key.subject = TRY(x509::DistinguishedName::of(std::move(subject)));
  const auto dns = TRY(fields.text_list("dns", x509::kMaxAltNames, 253));
  const auto ip = TRY(fields.text_list("ip", x509::kMaxAltNames, 45));
  key.names = TRY(x509::SubjectAltNames::of(dns, ip));
  TRY(fields.nothing_left());
  if (key.subject.empty() && key.names.empty())
    return fail(Code::bad_request, fmt::format("\"{}\" names nobody; wanted a common_name, or dns or ip", section));
  return key;
}

Result<> read_client_key(Fields fields, Config& config) {
  config.client_key = TRY(read_new_key(std::move(fields), "client_key", config.csr_rsa_bits));
  return {};
}

/// TLS clients look at the names only (RFC 9525).
Result<> read_server_key(Fields fields, Config& config) {
  if (!config.server_cert) config.server_cert = HubServerCerts::Wish{};
  config.server_cert->key = TRY(read_new_key(std::move(fields), "server_key", config.csr_rsa_bits));
  if (config.server_cert->key.names.empty())
    return fail(Code::bad_request, "\"server_key\" has no names; wanted dns or ip, by which clients know a TLS server");
  return {};
}

Result<> read_hub_keys(Fields& fields, Config& config) {
  config.hub_id = TRY(fields.optional_name("id", 64));
  config.hub_jws_key = TRY(fields.optional_name("jws_key", 64));
  auto server_profile = TRY(fields.optional_name("server_profile", 64));
  if (!config.hub_id && (config.hub_jws_key || server_profile))
    return fail(Code::bad_request,
                "there is no \"hub.id\"; wanted one with \"hub.jws_key\" and \"hub.server_profile\"");
  if (server_profile) config.server_cert = HubServerCerts::Wish{.key = {}, .profile = *std::move(server_profile)};
  return {};
}

Result<std::string> read_roots(const std::string& path) {
  auto pem = read_file(path, kMaxChainBytes, Trust::config);
  if (!pem) return fail(pem.error().code, "\"hub.server_roots_file\": " + pem.error().message);
  const auto roots = parse_certificates(*pem, "file");
  if (roots && !roots->empty()) return pem;
  return fail(Code::bad_request,
              fmt::format("\"hub.server_roots_file\" is {}: {}; wanted 1 to {} certificates, as PEM, and nothing else",
                          path, roots ? "there is none in it" : roots.error().message, kMaxChainCertificates));
}

Result<> read_hub(Fields fields, Config& config) {
  config.ca = TRY(fields.name("ca", 64));
  config.client_profile = TRY(fields.name("client_profile", 64));
  config.csr_rsa_bits = static_cast<int>(TRY(fields.integer_or("csr_rsa_bits", 2048, 4096, 4096)));
  if (config.csr_rsa_bits != 2048 && config.csr_rsa_bits != 4096)
    return fail(Code::bad_request, fmt::format("\"hub.csr_rsa_bits\" is {}; wanted 2048 or 4096", config.csr_rsa_bits));
  TRY(read_hub_keys(fields, config));
  if (const auto path = TRY(fields.optional_text("server_roots_file", kMaxPathBytes)))
    config.server_roots = TRY(read_roots(*path));
  return fields.nothing_left();
}

Result<> read_jws_keys(Fields fields, Config& config) {
  config.jws_keys = TRY(fields.choice("accept", kAccepts));
  if (config.jws_keys != Accept::any && !config.hub_id)
    return fail(
        Code::bad_request,
        "\"jws_keys.accept\" wants proofs, and there is no \"hub.id\", which stands in what is signed; wanted one");
  return fields.nothing_left();
}

Result<> read_store(Fields fields, Config& config) {
  if (fields.has("path") == fields.has("postgresql"))
    return fail(Code::bad_request, "[store] has both \"path\" and \"postgresql\", or neither; wanted one of them");
  if (fields.has("path")) {
    config.database.file = TRY(fields.text("path", kMaxPathBytes));
  } else {
    config.database.postgresql = TRY(fields.text("postgresql", kMaxPathBytes));
    TRY(store::check_postgresql(config.database.postgresql, "\"store.postgresql\""));
  }
  return fields.nothing_left();
}

Result<> read_watch(Fields fields, Config& config) {
  WatchConfig watch;
  watch.ping_url = TRY(fields.text("ping_url", kMaxUrlBytes));
  if (!watch.ping_url.starts_with("http://") || !check(UrlEntry{watch.ping_url}))
    return fail(Code::bad_request, fmt::format("\"watch.ping_url\" is \"{}\"; wanted an http URL, such as "
                                               "http://127.0.0.1:3000/ping",
                                               watch.ping_url));
  watch.interval = TRY(seconds(fields, "interval_seconds", 86400, 120));
  watch.timeout = TRY(seconds(fields, "timeout_seconds", 20, 10));
  watch.parallel = static_cast<int>(TRY(fields.integer_or("parallel", 1, 32, 8)));
  config.watch = std::move(watch);
  return fields.nothing_left();
}

Result<> read_metrics(Fields fields, Config& config) {
  constexpr int kConnections = 8;
  MetricsConfig metrics;
  metrics.server.max_connections = kConnections;
  metrics.server.address = TRY(fields.optional_text("address", 64)).value_or("127.0.0.1");
  TRY(check_address("metrics.address", metrics.server.address));
  metrics.server.port = static_cast<std::uint16_t>(TRY(fields.integer_or("port", 0, 65535, 9100)));
  metrics.hosts = TRY(fields.text_list("hosts", 32, 253));
  config.metrics = std::move(metrics);
  return fields.nothing_left();
}

Result<> refuse_open_network(const Config& config) {
  if (http::is_loopback(config.server.address)) return {};
  if (!config.oidc)
    return fail(
        Code::bad_request,
        fmt::format("\"auth.mode\" is \"none\" and \"listen.address\" is {}, which the network can reach: anybody "
                    "could have certificates signed. Wanted a loopback address (127.0.0.0/8 or ::1), or mode "
                    "\"oidc\"",
                    config.server.address));
  if (!config.server.tls_certificate)
    return fail(
        Code::bad_request,
        fmt::format("\"listen.address\" is {}, which the network can reach, and there is no [tls]: tokens could be "
                    "read on their way and used by others. Wanted [tls], or a loopback address",
                    config.server.address));
  return {};
}

Result<> read_section(Fields& fields, std::string_view name, Result<> (*read)(Fields, Config&), Config& config) {
  return read(TRY(fields.object(name)), config);
}

Result<Config> decode(const Json& json) {
  Fields fields = TRY(Fields::of(json));
  Config config;
  TRY(read_section(fields, "listen", read_listen, config));
  if (fields.has("tls")) TRY(read_section(fields, "tls", read_tls, config));
  config.oidc = TRY(read_auth(TRY(fields.object("auth"))));
  if (fields.has("keycloak")) config.keycloak = TRY(read_keycloak(TRY(fields.object("keycloak")), config.oidc));
  TRY(read_section(fields, "daemon", read_daemon, config));
  TRY(read_section(fields, "hub", read_hub, config));
  if (fields.has("jws_keys")) TRY(read_section(fields, "jws_keys", read_jws_keys, config));
  if (fields.has("client_key")) TRY(read_section(fields, "client_key", read_client_key, config));
  if (config.server_cert && !fields.has("server_key"))
    return fail(Code::bad_request, "there is \"hub.server_profile\" and no [server_key]; wanted both");
  if (fields.has("server_key")) TRY(read_section(fields, "server_key", read_server_key, config));
  TRY(read_section(fields, "store", read_store, config));
  if (fields.has("watch")) TRY(read_section(fields, "watch", read_watch, config));
  if (fields.has("publish")) config.publish = TRY(read_publish(TRY(fields.object("publish"))));
  if (fields.has("metrics")) TRY(read_section(fields, "metrics", read_metrics, config));
  TRY(fields.nothing_left());
  TRY(refuse_open_network(config));
  return config;
}

}  // namespace

Result<Config> load_config(const std::filesystem::path& path) {
  const auto json = std::make_unique<Json>(TRY(read_toml(path, Trust::config)));
  auto config = decode(*json);
  if (!config) return fail(config.error().code, fmt::format("{}: {}", path.string(), config.error().message));
  return config;
}

}  // namespace hubseal::agent
