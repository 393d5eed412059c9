#include "agent/service/x509_info.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "agent/service/csr.h"
#include "agent/service/issued_certificate.h"
#include "tests/unit/agent/agent_support.h"

using namespace hubseal;
using namespace hubseal::agent;
using namespace hubseal::agent::test;

BOOST_AUTO_TEST_SUITE(x509_info)

BOOST_AUTO_TEST_CASE(csr_info_shows_names_in_order_and_every_kind_of_san) {
  // MCM_API 13.40
  const TempFolder folder;
  const std::string pem = make_csr(
      folder, {"-newkey", "rsa:2048", "-utf8", "-subj",
               "/emailAddress=ops@bank1.example/C=KE/O=Banque Épargne/title=Dr/CN=client.bank1.example/CN=second",
               "-addext", "subjectAltName=DNS:a.example,IP:10.0.0.1,IP:2001:db8::1,URI:urn:x,email:a@b.example"});
  const Json info = csr_info(Csr::parse(pem).value().get());
  BOOST_TEST(info == Json::parse(R"({
    "subject": {"CN": "client.bank1.example", "O": "Banque Épargne", "C": "KE", "E": "ops@bank1.example"},
    "extensions": {"subjectAltName": {"dns": ["a.example"], "ips": ["10.0.0.1", "2001:db8::1"], "uris": ["urn:x"],
                                      "emailAddresses": ["a@b.example"]}},
    "signatureAlgorithm": "sha256WithRSAEncryption", "publicKeyLength": 2048})"));
}

BOOST_AUTO_TEST_CASE(an_empty_subject_and_no_san_are_empty_and_all_four_lists_are_there) {
  const TempFolder folder;
  const Json info = csr_info(Csr::parse(make_csr(folder, words("-newkey rsa:2048 -subj /"))).value().get());
  BOOST_TEST(info["subject"].dump() == "{}");
  BOOST_TEST(info["extensions"]["subjectAltName"].dump() == R"({"dns":[],"ips":[],"uris":[],"emailAddresses":[]})");
}

BOOST_AUTO_TEST_CASE(cert_info_shows_issuer_serial_and_dates_with_milliseconds) {
  const TempFolder folder;
  const std::string csr = make_csr(folder, words("-newkey rsa:2048 -subj /CN=bank1"));
  const std::string pem = make_certificate(folder, csr, words("-days 10 -set_serial 0xfe01"));
  const Json info = certificate_info(IssuedCertificate::parse(pem).value().get());
  BOOST_TEST(info["subject"].dump() == R"({"CN":"bank1"})");
  BOOST_TEST(info["issuer"].dump() == R"({"CN":"Hub CA","O":"Hub"})");
  // The DER integer has a leading zero byte, because 0xfe would be negative.
  BOOST_TEST(info["serialNumber"] == "00fe01");
  BOOST_TEST(info["notAfter"].get<std::string>().ends_with(".000Z"));
  BOOST_TEST(info["signatureAlgorithm"] == "ecdsa-with-SHA256");
}

BOOST_AUTO_TEST_SUITE_END()
