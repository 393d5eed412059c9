#include <sys/stat.h>

#include <filesystem>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "agent/config.h"
#include "agent/publish/folder.h"
#include "agent/publish/publisher.h"
#include "agent/service/endpoint_values.h"
#include "agent/service/pkcs11_uri.h"
#include "tests/unit/agent/agent_support.h"

using namespace hubseal;
using namespace hubseal::agent;
using namespace hubseal::agent::publish;
using namespace hubseal::agent::test;

namespace {

Bundle bundle_of(const std::string& dfsp_id) {
  Bundle bundle;
  bundle.dfsp_id = dfsp_id;
  bundle.ca_bundle = "ca\n";
  bundle.client_cert_chain = "chain\n";
  bundle.client_key = "pkcs11:object=k;type=private";
  bundle.fqdn = "api.example";
  bundle.ingress_urls = {"https://api.example"};
  bundle.whitelist = {"192.0.2.1", "192.0.2.8/29"};
  return bundle;
}

/// config/agent.toml with this in the place of "[store]".
Result<Config> load_with(const std::string& section) {
  const TempFolder folder;
  std::string text = slurp("config/agent.toml");
  text.insert(text.find("[store]"), section + "\n");
  spill(folder / "agent.toml", text);
  return load_config(folder / "agent.toml");
}

std::string vault(const std::string& url, const std::string& more = "") {
  return "[publish.vault]\nurl = \"" + url + "\"\ntoken_file = \"/x/token\"\n" + more;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(publishing)

BOOST_AUTO_TEST_CASE(a_uri_encodes_all_but_what_no_reader_takes_for_something_else) {
  BOOST_TEST(private_key_uri("hub", "hub-client_1.~") == "pkcs11:token=hub;object=hub-client_1.~;type=private");
  BOOST_TEST(private_key_uri("a b;c/d?e%", "k&l") == "pkcs11:token=a%20b%3Bc%2Fd%3Fe%25;object=k%26l;type=private");
  BOOST_TEST(private_key_uri("", "k") == "pkcs11:object=k;type=private");
}

BOOST_AUTO_TEST_CASE(a_bundle_has_the_names_that_templates_know) {
  Bundle bundle = bundle_of("bank1");
  BOOST_TEST(!to_json(bundle).contains("currency_code"));
  bundle.currency = "EUR";
  bundle.fxp_currencies = {"EUR", "USD"};
  bundle.is_proxy = true;
  const Json json = to_json(bundle);
  BOOST_TEST(json["host"] == "bank1");
  BOOST_TEST(json["currency_code"] == "EUR");
  BOOST_TEST(json["fxpCurrencies"] == "EUR USD");
  BOOST_TEST(json["isProxy"] == true);
}

BOOST_AUTO_TEST_CASE(no_folder_is_made_of_an_id_that_is_no_name) {
  const TempFolder folder;
  const std::filesystem::path place = folder / "gateway";
  std::filesystem::create_directory(place);
  ::chmod(place.c_str(), 0700);
  const auto publisher = open_folder(place).value();
  for (const char* id : {"", ".", "..", "../bank1", "a/b", "/tmp/x", ".bank1", "bank 1", "b\nc", "b%2Fc"})
    BOOST_TEST((publisher->publish(bundle_of(id), {}).error().code == Code::internal), id);
  BOOST_TEST(std::filesystem::is_empty(place));
  BOOST_REQUIRE(publisher->publish(bundle_of("bank1"), {}).has_value());
  BOOST_TEST(slurp(place / "bank1" / "whitelist.txt") == "192.0.2.1\n192.0.2.8/29\n");
}

BOOST_AUTO_TEST_CASE(nothing_is_published_unless_a_place_is_named_and_there_is_one) {
  BOOST_TEST(!load_with("").value().publish.bundles.has_value());
  BOOST_TEST((std::get<std::filesystem::path>(*load_with("[publish]\ndirectory = \"/x\"")->publish.bundles) == "/x"));
  const auto target = std::get<VaultTarget>(*load_with(vault("https://vault.example:8200/"))->publish.bundles);
  BOOST_TEST(target.url == "https://vault.example:8200");
  BOOST_TEST(target.mount == "secrets");
  BOOST_TEST(target.bundles == "onboarding_pm4mls");
  BOOST_TEST(target.whitelist == "whitelist_pm4mls");
  for (const auto& wrong :
       {std::string("[publish]"), std::string("[publish]\ndirectory = \"x\""),
        "[publish]\ndirectory = \"/x\"\n" + vault("https://v"), vault("http://vault.example"), vault("https://v/path"),
        vault("https://v?a=b"), vault("ftp://v"), vault("https://v", "mount = \"/secret\""),
        vault("https://v", "mount = \"a//b\""), vault("https://v", "bundles = \"../sys\""),
        vault("https://v", "whitelist = \"onboarding_pm4mls\""), vault("https://v", "timeout_seconds = 0"),
        vault("https://v", "whitelist = \"onboarding_pm4mls/bank1\""), vault("https://v", "password = \"x\"")})
    BOOST_TEST(!load_with(wrong).has_value(), wrong);
  BOOST_TEST(load_with(vault("http://127.0.0.1:8200")).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
