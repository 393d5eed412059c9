#include <openssl/rsa.h>
#include <boost/test/unit_test.hpp>

#include "common/files.h"
#include "common/x509/certificate.h"
#include "common/x509/csr.h"
#include "common/x509/der.h"
#include "common/x509/pem.h"

using namespace hubseal;
using namespace hubseal::x509;

namespace {

std::string file(const std::string& name) { return read_file("tests/vectors/" + name, 1 << 20, Trust::any).value(); }

Bytes hex(std::string_view digits) { return from_hex(digits).value(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(x509)

BOOST_AUTO_TEST_CASE(der_is_one_value_in_its_only_form) {
  for (const char* good : {"0500", "3000", "0101ff", "020100", "02020080", "0201ff", "030100", "03020106",
                           "30050201010500", "a0023000", "8001ff"})
    BOOST_TEST(check_der(hex(good)).has_value(), good);
  for (const char* bad :
       {"",         "05",       "0501",         "050000",   "30800000", "308100",   "30820002",   "3084000000",
        "1f0100",   "0101aa",   "010200ff",     "0200",     "02020001", "0202ffff", "0300",       "030101",
        "030208ff", "030201ff", "3003020101ff", "30020201", "2400",     "1000",     "a0020500ff", "308580000000"})
    BOOST_TEST(!check_der(hex(bad)).has_value(), bad << " was accepted");
}

BOOST_AUTO_TEST_CASE(der_lengths_are_written_in_the_shortest_form) {
  BOOST_TEST(to_hex(der_value(0x30, {})) == "3000");
  for (const std::size_t size : {127u, 128u, 255u, 256u, 65535u, 65536u}) {
    const Bytes content(size, 7), value = der_value(0x04, {content});
    BOOST_TEST(check_der(value).has_value());
    ByteView rest = value;
    BOOST_TEST(take_value(rest).value().size() == value.size());
    BOOST_TEST(rest.empty());
    BOOST_TEST(content_of(value, 0x04).value().size() == size);
    BOOST_TEST(!content_of(value, 0x30).has_value());
  }
}

BOOST_AUTO_TEST_CASE(pem_goes_both_ways) {
  for (const std::size_t size : {1u, 47u, 48u, 49u, 1000u}) {
    const Bytes der(size, 42);
    const std::string pem = pem_of_der(der, "CERTIFICATE");
    BOOST_TEST((der_of_pem(pem, {"CERTIFICATE"}).value() == der));
    BOOST_TEST(!der_of_pem(pem, {"CERTIFICATE REQUEST"}).has_value());
  }
}

BOOST_AUTO_TEST_CASE(a_csr_written_again_is_the_same_file) {
  const std::string pem = file("csr/good-rsa4096-names.pem");
  const Csr csr = Csr::parse(pem).value();
  BOOST_TEST(csr.to_pem() == pem);
  BOOST_TEST(csr.subject().value().text() == "CN=bank1.example.com,O=Bank One,C=KE");
  const SubjectAltNames names = csr.names().value();
  BOOST_TEST((names.dns() == std::vector<std::string>{"bank1.example.com", "api.bank1.example.com"}));
  BOOST_TEST((names.ip() == std::vector<std::string>{"192.0.2.1", "2001:db8::1"}));
  BOOST_TEST((csr.key_type().value() == KeyType::rsa_4096));
  BOOST_TEST((csr.key_id() == sha256(csr.spki())));
  BOOST_TEST(csr.requested_extensions().value().size() == 1u);
  BOOST_TEST(csr.verify_own_signature().has_value());
}

BOOST_AUTO_TEST_CASE(requested_extensions_are_listed_by_name) {
  const Csr csr = Csr::parse(file("csr/good-common-extensions.pem")).value();
  std::string list;
  const auto extensions = csr.requested_extensions().value();
  for (const auto& extension : extensions) list += extension.name + (extension.critical ? "! " : " ");
  BOOST_TEST(list == "basicConstraints! keyUsage! extendedKeyUsage subjectKeyIdentifier ");
  BOOST_TEST(!csr.asks_for_ca().value());
  BOOST_TEST(Csr::parse(file("csr/bad-ca-true.pem")).value().asks_for_ca().value());
}

BOOST_AUTO_TEST_CASE(dns_names_are_host_names_in_lower_case) {
  const std::string label(63, 'a');
  for (const std::string& good :
       {std::string("a"), std::string("3com.example"), std::string("x-1.example"), std::string("*.example.com"),
        label + ".example", std::string("xn--bcher-kva.example")})
    BOOST_TEST(canonical_dns(good).value_or("refused") == good);
  BOOST_TEST(canonical_dns("API.Example.COM").value() == "api.example.com");
  for (const std::string& bad :
       {std::string(), std::string("."), std::string("a."), std::string(".a"), std::string("a..b"), std::string("-a.b"),
        std::string("a-.b"), std::string("a_b"), std::string("a b"),
        std::string("b\xc3\xbc"
                    "cher.example"),
        std::string("1.2.3.4"), std::string("a.1"), std::string("*"), std::string("*.com"),
        std::string("a*.example.com"), std::string("*.*.example.com"), label + "a.example", std::string("a\0.b", 4),
        label + "." + label + "." + label + "." + label + ".example"})
    BOOST_TEST(!canonical_dns(bad).has_value(), bad << " was accepted");
}

BOOST_AUTO_TEST_CASE(addresses_have_one_spelling) {
  BOOST_TEST(canonical_ip("2001:0DB8:0:0:0:0:0:1").value() == "2001:db8::1");
  BOOST_TEST(canonical_ip("192.0.2.1").value() == "192.0.2.1");
  for (const std::string& bad :
       {std::string(), std::string("192.0.2"), std::string("192.0.2.256"), std::string("192.0.2.01"),
        std::string("::1%lo"), std::string("192.0.2.1/24"), std::string("192.0.2.1\0", 10)})
    BOOST_TEST(!canonical_ip(bad).has_value(), bad << " was accepted");
}

BOOST_AUTO_TEST_CASE(PKI_5_an_ipv4_address_has_no_second_spelling_in_ipv6) {
  for (const char* bad :
       {"::ffff:192.0.2.77", "::FFFF:c000:024d", "0:0:0:0:0:ffff:192.0.2.77", "::192.0.2.77", "::2"}) {
    BOOST_TEST(!canonical_ip(bad).has_value(), bad << " was accepted");
    BOOST_TEST(is_ip(bad), bad);
  }
  for (const char* good : {"::", "::1", "64:ff9b::c000:24d", "2001:db8::ffff:192.0.2.77"})
    BOOST_TEST(canonical_ip(good).has_value(), good << " was refused");
  const std::unique_ptr<ASN1_OCTET_STRING, Deleter<ASN1_OCTET_STRING_free>> mapped(a2i_IPADDRESS("::ffff:192.0.2.77"));
  GeneralNamesPtr names(GENERAL_NAMES_new());
  GENERAL_NAME* name = GENERAL_NAME_new();
  GENERAL_NAME_set0_value(name, GEN_IPADD, ASN1_STRING_dup(mapped.get()));
  sk_GENERAL_NAME_push(names.get(), name);
  BOOST_TEST((SubjectAltNames::parse(names.get()).error().code == Code::bad_request));
}

BOOST_AUTO_TEST_CASE(only_sha_2_proves_possession) {
  const auto signed_with = [](const EVP_MD* hash, bool pss) {
    const PkeyPtr key(EVP_RSA_gen(2048));
    const CsrPtr csr(X509_REQ_new());
    X509_REQ_set_pubkey(csr.get(), key.get());
    const MdContextPtr context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* padding = nullptr;
    BOOST_REQUIRE(EVP_DigestSignInit(context.get(), &padding, hash, nullptr, key.get()) == 1);
    if (pss) BOOST_REQUIRE(EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) == 1);
    BOOST_REQUIRE(X509_REQ_sign_ctx(csr.get(), context.get()) > 0);
    unsigned char* der = nullptr;
    const int size = i2d_X509_REQ(csr.get(), &der);
    const auto parsed = Csr::parse_der({der, static_cast<std::size_t>(size)});
    OPENSSL_free(der);
    return parsed.value().verify_own_signature();
  };
  for (const bool pss : {false, true}) {
    for (const EVP_MD* good : {EVP_sha256(), EVP_sha384(), EVP_sha512()})
      BOOST_TEST(signed_with(good, pss).has_value(), EVP_MD_get0_name(good) << pss);
    for (const EVP_MD* bad : {EVP_sha1(), EVP_sha224(), EVP_md5()}) {
      if (pss && bad == EVP_md5()) continue;  // which libcrypto does not encode
      const auto refused = signed_with(bad, pss);
      BOOST_REQUIRE_MESSAGE(!refused.has_value(), EVP_MD_get0_name(bad) << pss);
      BOOST_TEST(refused.error().message.find("with SHA-256, SHA-384 or SHA-512") != std::string::npos);
    }
  }
}

BOOST_AUTO_TEST_CASE(more_than_32_names_are_too_many) {
  std::vector<std::string> names;
  for (int i = 0; i < 32; ++i) names.push_back("h" + std::to_string(i) + ".example");
  BOOST_TEST(SubjectAltNames::of(names, {}).has_value());
  const auto refused = SubjectAltNames::of(names, {"192.0.2.1"});
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST((refused.error().code == Code::too_large));
  BOOST_TEST(refused.error().message == "33 subjectAltNames; at most 32 are accepted");
}

BOOST_AUTO_TEST_CASE(a_distinguished_name_is_ordered_from_country_to_common_name) {
  const auto name =
      DistinguishedName::of(
          {{Attribute::common_name, "bank1"}, {Attribute::country, "KE"}, {Attribute::organization, "Bank"}})
          .value();
  BOOST_TEST(name.text() == "CN=bank1,O=Bank,C=KE");
  const NamePtr encoded = name.to_openssl().value();
  BOOST_TEST(name_text(encoded.get()) == name.text());
  BOOST_TEST((DistinguishedName::parse(encoded.get()).value() == name));
  BOOST_TEST(name.get(Attribute::organization).value_or("") == "Bank");
  BOOST_TEST(!name.get(Attribute::locality).has_value());
}

BOOST_AUTO_TEST_CASE(name_values_are_printable_text_within_rfc_5280_bounds) {
  BOOST_TEST(check_attribute(Attribute::locality, std::string(128, 'x')).has_value());
  // Characters count, not bytes.
  std::string accents;
  for (int i = 0; i < 64; ++i) accents += "é";
  BOOST_TEST(check_attribute(Attribute::organization, accents).has_value());
  BOOST_TEST(!check_attribute(Attribute::organization, accents + "x").has_value());
  const std::pair<Attribute, std::string> bad[] = {{Attribute::locality, std::string(129, 'x')},
                                                   {Attribute::country, "KEN"},
                                                   {Attribute::country, "k"},
                                                   {Attribute::country, "K1"},
                                                   {Attribute::common_name, "a\tb"},
                                                   {Attribute::common_name, "a\x7f"},
                                                   {Attribute::common_name, "a\xed\xa0\x80"},
                                                   {Attribute::common_name, "a\xf4\x90\x80\x80"},
                                                   {Attribute::common_name, "a\xe2\x80"},
                                                   {Attribute::common_name, "a "},
                                                   {Attribute::common_name, "\xc2\x85"}};
  for (const auto& [attribute, value] : bad)
    BOOST_TEST(!check_attribute(attribute, value).has_value(), to_hex(as_bytes(value)));
}

BOOST_AUTO_TEST_CASE(PKI_5_a_name_holds_nothing_that_makes_it_look_like_another) {
  // Each reads as "bank7", or is compared as it (RFC 4518), and is other bytes.
  for (const char* name : {"bank7\ufe0f", "bank7\u034f", "bank7\u180b", "bank7\u200b", "bank7\u2063", "bank7\u3164",
                           "bank7\U000e0020", "ban\uff4b7", "my\u00a0bank7", "my\u2003bank7", "my\u3000bank7"})
    BOOST_TEST(!check_attribute(Attribute::common_name, name).has_value(), to_hex(as_bytes(name)));
  for (const char* name : {"Bänk Sieben", "Банк 7", "七银行", "مصرف", "Ẹ̀kọ́ Bank"})
    BOOST_TEST(check_attribute(Attribute::common_name, name).has_value(), name);
}

BOOST_AUTO_TEST_SUITE_END()
