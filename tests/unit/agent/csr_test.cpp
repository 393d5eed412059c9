#include "agent/service/csr.h"

#include <boost/test/unit_test.hpp>

#include "common/bytes.h"
#include "tests/unit/agent/agent_support.h"

using namespace hubseal;
using namespace hubseal::agent;
using namespace hubseal::agent::test;

namespace {

struct Made {
  TempFolder folder;
  std::string pem = make_csr(folder, words("-newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=bank1"));

  Bytes der() const {
    openssl(folder, words("req -in @/csr.pem -outform DER -out @/csr.der"));
    const std::string text = slurp(folder / "csr.der");
    return {text.begin(), text.end()};
  }
};

std::string wrap(const Bytes& der, const std::string& label = "CERTIFICATE REQUEST") {
  return "-----BEGIN " + label + "-----\n" + to_base64(der) + "\n-----END " + label + "-----\n";
}

std::string with_crlf(std::string text) {
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) text.insert(at, "\r");
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(csr)

BOOST_FIXTURE_TEST_CASE(what_openssl_made_is_read_and_its_signature_holds, Made) {
  const Csr csr = Csr::parse(pem).value();
  BOOST_TEST(csr.signature_holds());
  BOOST_TEST(csr.canonical_pem() == pem);
}

BOOST_FIXTURE_TEST_CASE(line_ends_and_white_space_around_the_block_do_not_matter, Made) {
  BOOST_TEST(Csr::parse(with_crlf(pem)).value().canonical_pem() == pem);
  BOOST_TEST(Csr::parse("\n \t" + pem + "\n\n").value().canonical_pem() == pem);
  BOOST_TEST(Csr::parse(wrap(der())).value().canonical_pem() == pem);
}

BOOST_FIXTURE_TEST_CASE(junk_around_the_block_and_other_blocks_are_refused, Made) {
  openssl(folder, words("req -x509 -key @/csr.key -subj /CN=x -out @/cert.pem"));
  for (const std::string& bad :
       {std::string(), std::string("hello"), "x" + pem, pem + "x", pem + pem, slurp(folder / "cert.pem"),
        slurp(folder / "csr.key"), wrap(der(), "NEW CERTIFICATE REQUEST"), pem.substr(0, pem.size() / 2),
        pem.substr(0, 60) + "*" + pem.substr(60)}) {
    const auto csr = Csr::parse(bad);
    BOOST_TEST(!csr.has_value(), bad << " was accepted");
    if (!csr) BOOST_TEST((csr.error().code == Code::bad_request));
  }
}

BOOST_FIXTURE_TEST_CASE(der_that_is_cut_short_or_goes_on_is_refused, Made) {
  Bytes longer = der();
  longer.push_back(0);
  BOOST_TEST(!Csr::parse(wrap(longer)).has_value());
  Bytes shorter = der();
  shorter.pop_back();
  BOOST_TEST(!Csr::parse(wrap(shorter)).has_value());
  BOOST_TEST(!Csr::parse(wrap({})).has_value());
}

BOOST_FIXTURE_TEST_CASE(an_altered_csr_is_read_and_its_signature_does_not_hold, Made) {
  Bytes altered = der();
  const auto name = std::string(altered.begin(), altered.end()).find("bank1");
  altered.at(name + 4) = '2';
  BOOST_TEST(!Csr::parse(wrap(altered)).value().signature_holds());
}

BOOST_AUTO_TEST_CASE(oversized_input_and_oversized_keys_are_refused) {
  const auto csr = Csr::parse(std::string(kMaxCsrBytes + 1, 'A'));
  BOOST_REQUIRE(!csr.has_value());
  BOOST_TEST((csr.error().code == Code::too_large));
  const auto der = Csr::parse(wrap(Bytes(kMaxCsrDerBytes + 1)));
  BOOST_REQUIRE(!der.has_value());
  BOOST_TEST((der.error().code == Code::too_large));
  BOOST_TEST((Csr::parse(wrap(Bytes(kMaxCsrDerBytes))).error().code == Code::bad_request));
}

BOOST_AUTO_TEST_SUITE_END()
