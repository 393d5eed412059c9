#include "cli/certificate_view.h"

#include <boost/test/unit_test.hpp>

using namespace hubseal;
using namespace hubseal::cli;

namespace {

// Made by openssl req -x509; the expected values below are openssl's own:
//   openssl x509 -noout -fingerprint -sha256
//   openssl x509 -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum
constexpr char kCertificate[] = R"(-----BEGIN CERTIFICATE-----
MIIBkzCCATmgAwIBAgIUAUs5k/wC7QXk2B6vdzsKj8Jb6X4wCgYIKoZIzj0EAwIw
HjEcMBoGA1UEAwwTRXhhbXBsZSBIdWIgUm9vdCBDQTAgFw0yNjExMjQwMjIzMDda
GA8yMTI2MTAzMTAyMjMwN1owHjEcMBoGA1UEAwwTRXhhbXBsZSBIdWIgUm9vdCBD
QTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABM/+h+CQDidvEYofOU+ZIv+sWv8J
5nergtJLB9bw4+6pI/SEou4Xkq7ePKFcw7WEe8JEAk550Mmo7/ERVn/MbImjUzBR
MB0GA1UdDgQWBBTo10wpjKMNtrkMO/RACCMhhHzikTAfBgNVHSMEGDAWgBTo10wp
jKMNtrkMO/RACCMhhHzikTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gA
MEUCIQD5KK88PxPEXcY0747NHDImRBgHnVlBNmScmVFlAqdjVQIgWCWBvUetsfcr
epKyyp7meyjWHKB78uXjgmN5nAf+M2k=
-----END CERTIFICATE-----
)";

}  // namespace

BOOST_AUTO_TEST_SUITE(certificate_view)

BOOST_AUTO_TEST_CASE(fingerprint_and_key_id_are_those_of_openssl) {
  const CertificateView view = view_certificate(kCertificate).value();
  BOOST_TEST(view.fingerprint ==
             "9A:5F:9E:7E:A9:6F:6C:33:52:C7:BA:C8:0C:A4:73:D5:88:5B:93:24:0A:BD:58:D1:AC:4C:8D:A3:4B:F1:95:09");
  BOOST_TEST(view.key_id == "4705ad5199dafbedd5cffc71f194d63f57da5364f80976f8df688518d3e5f678");
}

BOOST_AUTO_TEST_CASE(what_is_no_certificate_is_said_to_be_none) {
  BOOST_TEST(!view_certificate("").has_value());
  BOOST_TEST(!view_certificate("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
