#include <fstream>

#include <boost/test/unit_test.hpp>

#include "daemon/ca/profile.h"
#include "tests/support/ca_fixture.h"
#include "tests/support/software_signer.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;
using namespace hubseal::test;

namespace {

/// A folder of profiles, gone at the end.
struct Folder : TempDir {
  void write(const std::string& file, const std::string& text) const { std::ofstream(path() / file) << text; }
};

/// `text` with its first `from` replaced; the test fails when there is none.
std::string with(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  BOOST_REQUIRE_MESSAGE(at != std::string::npos, "no \"" << from << "\" to replace");
  return text.replace(at, from.size(), to);
}

/// One change to a shipped profile is refused with a message that names the file and holds `words`.
void refused(const std::string& name, const std::string& from, const std::string& to, const std::string& words) {
  const Folder folder;
  folder.write(name + ".toml", with(source_file("config/profiles/" + name + ".toml"), from, to));
  const auto loaded = load_profiles(folder.path());
  BOOST_REQUIRE_MESSAGE(!loaded.has_value(), "accepted with " << to);
  const std::string& message = loaded.error().message;
  BOOST_TEST(message.find(name + ".toml") != std::string::npos, message << " does not name the file");
  BOOST_TEST(message.find(words) != std::string::npos, message << " lacks " << words);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ca_profile)

BOOST_AUTO_TEST_CASE(the_shipped_profiles_load) {
  const auto profiles = load_profiles("config/profiles").value();
  for (const char* name : {"hub-root", "dfsp-client", "dfsp-server", "hub-server", "jwe", "jws"})
    BOOST_TEST(profiles.find(name) != nullptr, name);
  BOOST_TEST(profiles.all().size() == 7u);
  BOOST_TEST(profiles.find("dfsp") == nullptr);
}

BOOST_AUTO_TEST_CASE(PKI_4_end_entity_profiles_give_two_years_and_rsa_keys_of_2048_bits_or_more) {
  for (const char* name : {"dfsp-client", "dfsp-server", "hub-server", "jwe", "jws"}) {
    const ca::Profile& p = profile(name);
    BOOST_TEST((p.kind == ca::Kind::end_entity));
    BOOST_TEST((p.validity == std::chrono::days(730)));
    BOOST_TEST((p.signature_hash == ca::Hash::sha256));
    BOOST_TEST(p.allows(KeyType::rsa_2048));
  }
}

BOOST_AUTO_TEST_CASE(JWS_2_the_jws_profile_takes_no_rsa_key_above_3072_bits) {
  BOOST_TEST(profile("jws").allows(KeyType::rsa_3072));
  BOOST_TEST(!profile("jws").allows(KeyType::rsa_4096));
  BOOST_TEST(profile("jws").allows(KeyType::ec_p256));
  BOOST_TEST(!profile("jws").allows(KeyType::ec_p384));
}

BOOST_AUTO_TEST_CASE(each_mistake_is_refused_with_file_and_key) {
  refused("jws", "\"jws\"", "\"jwt\"", "\"name\" is \"jwt\"; wanted the file's own name, \"jws\"");
  refused("jws", "name        = \"jws\"", "", "\"name\" is missing");
  refused("jws", "\"end_entity\"", "\"server\"", "\"kind\" is \"server\"; wanted one of: ca, end_entity");
  refused("jws", "\"rsa_2048\"", "\"rsa_1024\"", "\"key_types\" holds \"rsa_1024\"");
  refused("jws", "\"rsa_2048\"", "\"rsa_3072\"", "\"key_types\" holds \"rsa_3072\" twice");
  refused("jws", "\"rsa_2048\", \"rsa_3072\", \"ec_p256\"", "", "\"key_types\" is empty");
  refused("jws", "\"sha256\"", "\"sha1\"", "\"signature_hash\" is \"sha1\"");
  refused("jws", "= 730", "= 0", "\"validity_days\" is 0; wanted a whole number from 1");
  refused("jws", "= 730", "= -1", "\"validity_days\"");
  refused("jws", "= 730", "= 7.5", "fraction");
  refused("jws", "= 730", "= 100000", "\"validity_days\"");
  refused("jws", "validity_days ", "validity_dais ", "did you mean \"validity_days\"?");
  refused("jws", "backdate_minutes = 5", "backdate_minutes = -5", "\"backdate_minutes\"");
  refused("jws", "\"digital_signature\"", "\"anything\"", "\"key_usage\" holds \"anything\"");
  refused("jws", "\"digital_signature\"", "\"key_cert_sign\"", "\"key_usage\" has key_cert_sign");
  refused("jws", "\"digital_signature\"", "\"digital_signature\", \"crl_sign\"",
          "\"key_usage\" has key_cert_sign or crl_sign");
  refused("jws", "\"digital_signature\"", "\"key_encipherment\"", "\"key_usage\" leaves nothing for ec_p256");
  refused("jws", "\"digital_signature\"", "", "\"key_usage\" is empty");
  refused("jws", "key_usage =", "path_len = 0\nkey_usage =", "\"path_len\" is for kind = \"ca\"");
  refused("jws", "key_usage =", "colour = 1\nkey_usage =", "\"colour\" is not known here");
  refused("jws", "[subject.locality]", "[subject.email]", "\"subject.email\" is not known here");
  refused("jws", "required     = true", "required = \"yes\"",
          "\"subject.common_name.required\" is the text \"yes\"; wanted true or false");
  refused("jws", "required     = true", "required = false", "\"subject.common_name.required\" is not true");
  refused("jws", "default      = \"{subject}\"", "default = \"{dfsp}\"", "\"subject.common_name.default\"");
  refused("jws", "default      = \"{subject}\"", "default = \"x {ca}\"", "\"subject.common_name.default\"");
  refused("jws", "default      = \"{subject}\"", "default = \"a\\nb\"",
          "\"subject.common_name.default\" cannot be used");
  refused("jws", "default      = \"{country}\"", "default = \"kenya\"", "\"subject.country.default\" cannot be used");
  refused("jws", "default      = \"{country}\"", "default = \"{organization}\"", "\"subject.country.default\"");
  refused("jws", "default      = \"{country}\"", "default = \"{subject}\"", "\"subject.country.default\"");
  refused("jws", "default      = \"{country}\"", "colour = 1", "\"subject.country.colour\" is not known here");
  refused("jws", "[subject.locality]\nfrom_request = true", "[subject.locality]\nrequired = true",
          "\"subject.locality\" can never get");
  refused("dfsp-client", "\"client_auth\"", "\"code_signing\"", "\"extended_key_usage\" holds \"code_signing\"");
  refused("dfsp-client", "max = 32", "max = 33", "\"subject_alt_names.max\"");
  refused("dfsp-client", "max = 32", "", "\"subject_alt_names.max\" is missing");
  refused("dfsp-client", "max = 32", "max = 32\n[quota]\nburst = 0\nrefill = 1\nrefill_seconds = 1",
          "\"quota.burst\" is 0");
  refused("dfsp-client", "max = 32", "max = 32\n[quota]\nburst = 1", "\"quota.refill\" is missing");
  refused("hub-root", "[subject.common_name]", "[quota]\nunlimited = true\n[subject.common_name]", "\"quota\"");
  refused("dfsp-client", "max = 32", "max = 32\nuri = true", "\"subject_alt_names.uri\" is not known here");
  refused("dfsp-client", "max = 32", "max = 32\ndns_suffixes = [\".example.com\"]",
          "\"subject_alt_names.dns_suffixes\"");
  refused("dfsp-client", "dns = true\nip  = true", "", "\"subject_alt_names\" allows neither");
  refused("dfsp-client", "dns = true", "wildcard = true", "\"subject_alt_names.dns\" is false");
  refused("dfsp-client", "name        =", "name        == ", "toml:4");
  refused("hub-root", "\"key_cert_sign\", ", "", "\"key_usage\" lacks key_cert_sign");
  refused("hub-root",
          "key_usage =", "extended_key_usage = [\"server_auth\"]\nkey_usage =", "\"extended_key_usage\" is not for");
  refused("hub-root", "path_len = 0", "path_len = -1", "\"path_len\"");
  refused("hub-root", "from_request = true", "default = \"{subject}\"", "\"subject.common_name.default\"");
}

BOOST_AUTO_TEST_CASE(rules_for_subject_and_names_are_kept) {
  const TestCa ca(KeyType::ec_p256);
  const PkeyPtr key = make_key(KeyType::ec_p256);
  ca::Profile p = profile("dfsp-client");
  p.names.dns_suffixes = {"example.com"};
  using x509::Attribute;
  const auto refusal = [&](const CsrContent& content, const ca::Profile& rules) {
    const auto certificate = ca.issue(make_csr(key.get(), content), rules);
    return certificate ? "issued to " + certificate->subject() : certificate.error().message;
  };
  BOOST_TEST(refusal({{}, {"example.com", "a.example.com"}, {}}, p) == "issued to CN=bank1,O=bank1,C=ZZ");
  BOOST_TEST(refusal({{}, {"badexample.com"}, {}}, p) ==
             "profile dfsp-client: DNS name badexample.com lies outside dns_suffixes (example.com)");
  p.names.max = 1;
  BOOST_TEST(refusal({{}, {"a.example.com"}, {"192.0.2.1"}}, p) ==
             "profile dfsp-client: 2 subjectAltNames; at most 1 are accepted");
  p.names.wildcard = true;
  BOOST_TEST(refusal({{}, {"*.example.com"}, {}}, p).starts_with("issued"));

  p.subject[Attribute::organization] = {.required = true, .from_request = false, .default_value = "{subject} plc"};
  p.subject.erase(Attribute::locality);
  p.subject[Attribute::country] = {.required = true, .from_request = true, .default_value = ""};
  BOOST_TEST(refusal({{{Attribute::country, "KE"}}, {}, {}}, p) == "issued to CN=bank1,O=bank1 plc,C=KE");
  BOOST_TEST(
      refusal({{{Attribute::country, "KE"}, {Attribute::organization, "bank1 plc"}}, {}, {}}, p).starts_with("issued"));
  BOOST_TEST(refusal({{{Attribute::country, "KE"}, {Attribute::organization, "Hub"}}, {}, {}}, p) ==
             "profile dfsp-client: organization \"Hub\" may not be chosen; wanted \"bank1 plc\" or nothing");
  BOOST_TEST(refusal({{{Attribute::locality, "Nairobi"}}, {}, {}}, p) ==
             "profile dfsp-client: the subject may not have locality");
  BOOST_TEST(refusal({{{Attribute::common_name, "x"}}, {}, {}}, p) ==
             "profile dfsp-client: the subject lacks country, which is required");
}

BOOST_AUTO_TEST_SUITE_END()
