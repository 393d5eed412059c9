#include "agent/service/revocations.h"

#include <boost/test/unit_test.hpp>

#include "tests/unit/agent/agent_support.h"

using namespace hubseal;
using namespace hubseal::agent;
using namespace hubseal::agent::test;

namespace {

/// openssl(1) makes certificates by one CA, whose name is "/CN=Hub CA/O=Hub", and lists by any.
struct Bench {
  /// Of version 3, or of version 1 where there is no extension.
  std::string certificate(const std::string& serial, bool extension = true) {
    Words options = {"-days", "10", "-set_serial", serial};
    spill(folder / "ext", "extendedKeyUsage=clientAuth\n");
    if (extension) options.insert(options.end(), {"-extfile", (folder / "ext").string()});
    return make_certificate(folder, csr, options);
  }

  /// The list of a CA of this name, which has revoked these serials, in hexadecimal.
  Bytes list(const std::string& issuer, const std::vector<std::string>& serials) {
    Words ca = words("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout @/list.key -out @/list.pem");
    ca.insert(ca.end(), {"-subj", issuer});
    openssl(folder, ca);
    std::string index;
    for (const std::string& serial : serials)
      index.append("R\t350101000000Z\t260101000000Z\t").append(serial).append("\tunknown\t/CN=x\n");
    spill(folder / "index", index);
    spill(folder / "conf", "[ca]\ndefault_ca=own\n[own]\ndefault_md=sha256\ndefault_crl_days=9\ndatabase=" +
                               (folder / "index").string() + "\n");
    openssl(folder, words("ca -gencrl -config @/conf -cert @/list.pem -keyfile @/list.key -out @/crl.pem"));
    openssl(folder, words("crl -in @/crl.pem -outform DER -out @/crl.der"));
    const std::string der = slurp(folder / "crl.der");
    return {der.begin(), der.end()};
  }

  bool revoked(std::vector<Bytes> lists, std::string_view pem) {
    Revocations revocations([&] { return lists; });
    return revocations.state_of(pem) == Revocations::State::revoked;
  }

  TempFolder folder;
  std::string csr = make_csr(folder, words("-newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=bank1"));
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(revocations, Bench)

BOOST_AUTO_TEST_CASE(a_certificate_is_found_by_its_serial_in_the_list_of_its_issuer_alone) {
  const Bytes other = list("/CN=Other CA/O=Hub", {"1001", "7F"});
  const Bytes ours = list("/CN=Hub CA/O=Hub", {"7E", "80", "1001", "7F00000000000000000000000000000000000001"});
  for (const char* serial : {"0x80", "0x1001", "0x7f00000000000000000000000000000000000001"}) {
    const std::string pem = certificate(serial);
    BOOST_TEST(revoked({other, ours}, pem), serial);
    BOOST_TEST(revoked({ours, other}, pem), serial);
    BOOST_TEST(!revoked({other}, pem), serial);
  }
  for (const char* serial : {"0x7f", "0x10", "0x8000"})
    BOOST_TEST(!revoked({other, ours}, certificate(serial)), serial);
  BOOST_TEST(!revoked({}, certificate("0x80")));
}

BOOST_AUTO_TEST_CASE(one_of_version_1_is_found_as_well) {
  const Bytes ours = list("/CN=Hub CA/O=Hub", {"80"});
  BOOST_TEST(revoked({ours}, certificate("0x80", false)));
  BOOST_TEST(!revoked({ours}, certificate("0x81", false)));
}

BOOST_AUTO_TEST_CASE(what_is_no_certificate_is_in_no_list) {
  const std::vector<Bytes> lists = {list("/CN=Hub CA/O=Hub", {"80"})};
  const std::string pem = certificate("0x80");
  BOOST_TEST(!revoked(lists, ""));
  BOOST_TEST(!revoked(lists, pem.substr(0, pem.size() / 2)));
  for (const char* der : {"", "MAA=", "MAIwAA==", "MAQwAqAA", "MAUwAwIBgA==", "MAUwA6ABAg=="}) {
    const std::string text =
        std::string("-----BEGIN CERTIFICATE-----\n").append(der).append("\n-----END CERTIFICATE-----\n");
    BOOST_TEST(!revoked(lists, text), der);
  }
}

BOOST_AUTO_TEST_SUITE_END()
