#include "agent/config.h"

#include <fmt/format.h>
#include <boost/test/unit_test.hpp>

#include "tests/unit/agent/agent_support.h"

using namespace hubseal;
using namespace hubseal::agent;
using namespace hubseal::agent::test;

namespace {

using Replacements = std::vector<std::pair<std::string, std::string>>;

/// The shipped file with pieces of text replaced.
Result<Config> load_with(const std::string& first, const std::string& its_replacement, Replacements others = {}) {
  const TempFolder folder;
  std::string text = slurp("config/agent.toml");
  others.emplace_back(first, its_replacement);
  for (const auto& [found, replacement] : others) {
    const auto at = text.find(found);
    BOOST_REQUIRE_MESSAGE(at != std::string::npos, found);
    text.replace(at, found.size(), replacement);
  }
  spill(folder / "agent.toml", text);
  return load_config(folder / "agent.toml");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(config)

BOOST_AUTO_TEST_CASE(the_shipped_file_loads) {
  const Config config = load_with("[hub]", "[hub]").value();
  BOOST_TEST(config.server.address == "127.0.0.1");
  BOOST_TEST(config.server.port == 3001);
  BOOST_TEST(config.ca == "hub-ca");
  BOOST_TEST(config.csr_rsa_bits == 4096);
  BOOST_TEST(!config.server.tls_certificate.has_value());
}

BOOST_AUTO_TEST_CASE(nobody_is_asked_whether_participants_answer_unless_a_ping_server_is_named) {
  BOOST_TEST(!load_with("[hub]", "[hub]").value().watch.has_value());
  const Config config = load_with("[hub]", "[watch]\nping_url = \"http://127.0.0.1:3000/ping\"\n[hub]").value();
  BOOST_TEST(config.watch.value().ping_url == "http://127.0.0.1:3000/ping");
  BOOST_TEST(config.watch.value().interval.count() == 120);
  BOOST_TEST(config.watch.value().parallel == 8);
}

BOOST_AUTO_TEST_CASE(secrets_of_participants_can_be_asked_for_only_by_who_says_who_they_are) {
  const std::string keycloak =
      "[keycloak]\nbase_url = \"https://login.example.org/auth/\"\nrealm = \"dfsps\"\nclient_id = \"c\"\n"
      "client_secret_file = \"/x\"\n";
  const auto load = [&](const std::string& auth, const std::string& more) {
    return load_with("mode = \"none\"\n", auth, {{"[hub]\n", keycloak + more + "[hub]\n"}});
  };
  const std::string oidc = "mode = \"oidc\"\nissuer = \"https://login.example.org\"\naudience = \"api\"\n";
  const auto config = load(oidc, "").value().keycloak.value();
  BOOST_TEST(config.base_url == "https://login.example.org/auth");
  BOOST_TEST(!config.new_clients.has_value());
  BOOST_TEST(load(oidc, "create_clients = true\n").value().keycloak.value().new_clients.value().audience == "api");
  BOOST_TEST(!load("mode = \"none\"\n", "").has_value());
  BOOST_TEST(!load(oidc, "secret = \"x\"\n").has_value());
}

BOOST_AUTO_TEST_CASE(a_secret_that_stands_where_its_place_should_be_is_not_told) {
  constexpr const char* kOidc = "mode = \"oidc\"\nissuer = \"https://login.example.org\"\naudience = \"api\"\n";
  constexpr const char* kKeycloak =
      "[keycloak]\nbase_url = \"https://login.example.org/auth/\"\nrealm = \"dfsps\"\nclient_id = \"c\"\n"
      "client_secret_file = \"s3cr3t\"\n[hub]\n";
  constexpr const char* kBrowser =
      "[auth.browser]\nclient_id = \"c\"\nclient_secret_file = \"s3cr3t\"\ncallback_url = \"https://x/cb\"\n[hub]\n";
  constexpr const char* kVault = "[publish.vault]\nurl = \"https://v.example\"\ntoken_file = \"s3cr3t\"\n[hub]\n";
  for (const char* section : {kKeycloak, kBrowser, kVault}) {
    const auto refused = load_with("mode = \"none\"\n", kOidc, {{"[hub]\n", section}});
    BOOST_REQUIRE_MESSAGE(!refused.has_value(), section << " was accepted");
    BOOST_TEST(refused.error().message.find("not the secret itself") != std::string::npos, refused.error().message);
    BOOST_TEST(refused.error().message.find("s3cr3t") == std::string::npos, refused.error().message);
  }
}

BOOST_AUTO_TEST_CASE(metrics_are_served_where_their_section_says_and_on_this_host_where_it_does_not) {
  BOOST_TEST(!load_with("[hub]", "[hub]").value().metrics.has_value());
  const auto load = [](const std::string& keys) { return load_with("[hub]", "[metrics]\n" + keys + "[hub]"); };
  const auto shipped = load("").value().metrics.value();
  BOOST_TEST(shipped.server.address == "127.0.0.1");
  BOOST_TEST(shipped.server.port == 9100);
  BOOST_TEST(shipped.server.max_connections == 8);
  BOOST_TEST(load("address = \"192.0.2.1\"\nport = 9200\n").value().metrics.value().server.port == 9200);
  for (const char* keys : {"address = \"hub.example\"\n", "port = 70000\n", "path = \"/metrics\"\n"})
    BOOST_TEST(!load(keys).has_value(), keys);
}

BOOST_AUTO_TEST_CASE(without_authentication_only_loopback_addresses_are_accepted) {
  for (const char* address : {"127.0.0.1", "127.3.4.5", "::1"})
    BOOST_TEST(load_with("address = \"127.0.0.1\"", fmt::format("address = \"{}\"", address)).has_value(), address);
  for (const char* address : {"0.0.0.0", "::", "192.0.2.1", "128.0.0.1", "::ffff:127.0.0.1", "fe80::1"}) {
    const auto config = load_with("address = \"127.0.0.1\"", fmt::format("address = \"{}\"", address));
    BOOST_REQUIRE_MESSAGE(!config.has_value(), address << " was accepted");
    BOOST_TEST(config.error().message.find("which the network can reach") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(with_a_provider_the_network_may_reach_a_listener_with_tls) {
  const std::string oidc = "mode = \"oidc\"\nissuer = \"https://login.example.org\"\n";
  const std::string tls = "[tls]\ncertificate = \"/x\"\nprivate_key = \"/y\"\n";
  const auto load = [&](const std::string& address, const std::string& section) {
    return load_with("address = \"127.0.0.1\"\n", "address = \"" + address + "\"\n",
                     {{"mode = \"none\"\n", oidc}, {"[auth]\n", section + "[auth]\n"}});
  };
  BOOST_TEST(load("127.0.0.1", "").has_value());
  BOOST_TEST(load("0.0.0.0", tls).has_value());
  const std::string clients = tls + "client_certificates = \"required\"\n";
  BOOST_TEST(load("0.0.0.0", clients + "client_cas = [\"hub-ca\"]\n").has_value());
  BOOST_TEST(!load("0.0.0.0", clients).has_value());
  BOOST_TEST(!load("0.0.0.0", tls + "client_certificates = \"maybe\"\n").has_value());
  const auto config = load("0.0.0.0", "");
  BOOST_REQUIRE(!config.has_value());
  BOOST_TEST(config.error().message.find("there is no [tls]") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_provider_is_believed_over_https_or_on_this_host_only) {
  const auto load = [](const std::string& keys) { return load_with("mode = \"none\"\n", "mode = \"oidc\"\n" + keys); };
  const Config config = load("issuer = \"https://login.example.org/realms/dfsps\"\n").value();
  BOOST_REQUIRE(config.oidc.has_value());
  BOOST_TEST(config.oidc->tokens.audience == "connection-manager-api");
  BOOST_TEST((config.oidc->tokens.algorithms == std::vector<std::string>{"RS256", "ES256"}));
  BOOST_TEST(config.oidc->tokens.tolerance.count() == 60);
  for (const char* url : {"https://a", "http://localhost:1/x", "http://127.0.0.1", "http://[::1]:9"})
    BOOST_TEST(load(fmt::format("issuer = \"{}\"\n", url)).has_value(), url);
  const std::string good = "issuer = \"https://a\"\n";
  for (const char* keys : {"", "issuer = \"http://login.example.org\"\n", "issuer = \"http://localhost.example.org\"\n",
                           "issuer = \"http://127.evil.example\"\n", "issuer = \"https://u:p@a\"\n",
                           "issuer = \"file:///x\"\n", "issuer = \"https://\"\n", "issuer = \"x\"\n"})
    BOOST_TEST(!load(keys).has_value(), keys << " was accepted");
  for (const char* keys :
       {"jwks_uri = \"http://a\"\n", "algorithms = []\n", "algorithms = [\"none\"]\n",
        "algorithms = [\"RS256\", \"HS256\"]\n", "audience = \"\"\n", "dfsp_group_prefix = \"\"\n",
        "[auth.browser]\nclient_id = \"c\"\n", "[auth.browser]\nclient_id = \"c\"\ncallback_url = \"http://a/\"\n",
        "keys_refresh_seconds = 3601\n", "clock_tolerance_seconds = 301\n", "surprise = 1\n"})
    BOOST_TEST(!load(good + keys).has_value(), keys << " was accepted");
}

BOOST_AUTO_TEST_CASE(mistakes_are_named) {
  const std::pair<const char*, const char*> mistakes[] = {
      {"address = \"127.0.0.1\"", "address = \"localhost\""},
      {"port = 3001", "port = 70000"},
      {"mode = \"none\"", "mode = \"off\""},
      {"csr_rsa_bits = 4096", "csr_rsa_bits = 3072"},
      {"port = 3001", "prot = 3001"},
      {"[hub]", "[hub]\nsurprise = 1"},
      {"[auth]\n", "[tls]\ncertificate = \"x\"\n[auth]\n"},
      {"[hub]", "[watch]\n[hub]"},
      {"[hub]", "[watch]\nping_url = \"https://a\"\n[hub]"},
      {"[hub]", "[watch]\nping_url = \"http://a b\"\n[hub]"},
      {"[hub]", "[watch]\nping_url = \"http://a\"\nparallel = 33\n[hub]"},
      {"[hub]", "[watch]\nping_url = \"http://a\"\ntimeout_seconds = 21\n[hub]"},
      {"ca = \"hub-ca\"", "ca = \"../ca\""}};
  for (const auto& [found, replacement] : mistakes)
    BOOST_TEST(!load_with(found, replacement).has_value(), replacement << " was accepted");
}

BOOST_AUTO_TEST_CASE(the_hubs_client_key_is_read_as_the_shipped_file_shows_it) {
  BOOST_TEST(!load_with("[hub]", "[hub]").value().client_key.has_value());
  const std::string key = "csr_rsa_bits = 2048\n[client_key]\ntype = \"rsa_2048\"\ncommon_name = \"hub.example\"\n";
  const auto config = load_with("csr_rsa_bits = 4096", key + "dns = [\"Hub.Example\"]\n");
  BOOST_REQUIRE(config && config->client_key);
  BOOST_TEST(config->client_key->subject.text() == "CN=hub.example");
  BOOST_TEST(config->client_key->names.dns().front() == "hub.example");
  BOOST_TEST(load_with("[hub]", "[hub]\nid = \"hub\"").value().hub_id.value() == "hub");
  BOOST_TEST(!load_with("[hub]", "[hub]\njws_key = \"hub-jws\"").has_value());
  for (const std::string& bad :
       {key + "country = \"Kenya\"\n", key + "dns = [\"no name\"]\n", key + "ip = [\"300.1.1.1\"]\n",
        key + "email = \"a@b\"\n", std::string("csr_rsa_bits = 4096\n[client_key]\ntype = \"ec_p256\"\n"),
        std::string("csr_rsa_bits = 4096\n[client_key]\ntype = \"rsa_2048\"\ncommon_name = \"x\"\n")})
    BOOST_TEST(!load_with("csr_rsa_bits = 4096", bad).has_value(), bad << " was accepted");
}

BOOST_AUTO_TEST_CASE(what_participants_show_of_their_keys_is_any_as_shipped_and_proofs_need_the_hubs_id) {
  const auto with = [](const std::string& accept, const std::string& id) {
    return load_with("[hub]", "[jws_keys]\n" + accept + "\n[hub]\n" + id);
  };
  const std::string id = "id = \"hub\"\n";
  BOOST_CHECK(load_with("[hub]", "[hub]").value().jws_keys == JwsKeys::Accept::any);
  BOOST_CHECK(with("accept = \"any\"", "").value().jws_keys == JwsKeys::Accept::any);
  BOOST_CHECK(with("accept = \"proof\"", id).value().jws_keys == JwsKeys::Accept::proof);
  BOOST_CHECK(with("accept = \"certificate\"", id).value().jws_keys == JwsKeys::Accept::certificate);
  for (const char* bad : {"accept = \"none\"", "", "accept = \"any\"\nmore = 1"})
    BOOST_TEST(!with(bad, id).has_value(), bad << " was accepted");
  for (const char* strict : {"accept = \"proof\"", "accept = \"certificate\""})
    BOOST_TEST(!with(strict, "").has_value(), strict << " was accepted without an id");
}

BOOST_AUTO_TEST_CASE(the_hubs_server_certificate_needs_a_profile_a_key_names_and_the_hubs_id) {
  const std::string bits = "csr_rsa_bits = 4096";
  const std::string hub = bits + "\nid = \"hub\"\n";
  const std::string profile = "server_profile = \"hub-server\"\n";
  const std::string key = "[server_key]\ntype = \"ec_p256\"\n";
  const std::string names = "dns = [\"Hub.Example\"]\n";
  BOOST_TEST(!load_with(bits, bits).value().server_cert.has_value());
  const auto config = load_with(bits, hub + profile + key + names);
  BOOST_REQUIRE(config && config->server_cert);
  BOOST_TEST(config->server_cert->profile.value() == "hub-server");
  BOOST_TEST(config->server_cert->key.names.dns().front() == "hub.example");
  BOOST_TEST(config->hub_id.value() == "hub");
  BOOST_TEST(!config->hub_jws_key.has_value());
  // Names alone: those of what is brought.
  BOOST_TEST(!load_with(bits, bits + "\n" + key + names).value().server_cert->profile.has_value());
  for (const std::string& bad :
       {hub + profile, bits + "\n" + profile + key + names, hub + profile + key + "common_name = \"hub.example\"\n"})
    BOOST_TEST(!load_with(bits, bad).has_value(), bad << " was accepted");
}

BOOST_AUTO_TEST_CASE(a_file_of_roots_that_cannot_be_used_is_told_with_the_reason) {
  const TempFolder folder;
  const std::string path = folder / "roots.pem";
  const auto problem = [&] {
    const auto config = load_with("[hub]", fmt::format("[hub]\nserver_roots_file = \"{}\"", path));
    return config ? std::string() : config.error().message;
  };
  const auto says = [](const std::string& message, const std::string& words) {
    BOOST_TEST(message.find("\"hub.server_roots_file\"") != std::string::npos, message);
    BOOST_TEST(message.find(words) != std::string::npos, message);
  };
  says(problem(), path);  // it is not there
  for (const auto& [content, words] :
       {std::pair("\n", "there is none in it"), std::pair("hello", "it has \"hello\" where a PEM block should begin"),
        std::pair("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "is not an X.509 certificate")}) {
    spill(path, content);
    says(problem(), words);
  }
}

BOOST_AUTO_TEST_SUITE_END()
