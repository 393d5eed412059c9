#include "agent/service/validation.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "agent/service/csr.h"
#include "agent/service/issued_certificate.h"
#include "tests/unit/agent/agent_support.h"

using namespace hubseal;
using namespace hubseal::agent;
using namespace hubseal::agent::test;

namespace {

// Some minutes ahead, so that what a test is about to make is valid at this time.
const TimePoint kNow = SystemClock().now() + std::chrono::minutes(10);

Validation verdict_of(const std::string& code, const std::string& csr_pem, int rsa_bits = 2048) {
  const Csr csr = Csr::parse(csr_pem).value();
  for (const Validation& validation : validate_inbound(csr, nullptr, {rsa_bits}, kNow))
    if (validation.code == code) return validation;
  throw std::runtime_error("no such code: " + code);
}

Validation after_signing(const std::string& code, const std::string& csr_pem, const std::string& certificate_pem,
                         TimePoint now = kNow) {
  const Csr csr = Csr::parse(csr_pem).value();
  const IssuedCertificate certificate = IssuedCertificate::parse(certificate_pem).value();
  for (const Validation& validation : validate_inbound(csr, &certificate, {2048}, now))
    if (validation.code == code) return validation;
  throw std::runtime_error("no such code: " + code);
}

std::string rsa_csr(const TempFolder& folder, const std::string& options = "") {
  return make_csr(folder, words("-newkey rsa:2048 -subj / " + options));
}

}  // namespace

BOOST_TEST_DONT_PRINT_LOG_VALUE(Verdict)

BOOST_AUTO_TEST_SUITE(validation)

BOOST_AUTO_TEST_CASE(before_signing_the_eight_codes_stand_in_the_known_order) {
  const TempFolder folder;
  const Json list = to_json(validate_inbound(Csr::parse(rsa_csr(folder)).value(), nullptr, {4096}, kNow));
  const std::vector<std::string> codes = {"CSR_SIGNATURE_VALID",
                                          "CSR_SIGNATURE_ALGORITHM",
                                          "CSR_PUBLIC_KEY_LENGTH_4096",
                                          "CSR_CERT_SAME_PUBLIC_KEY",
                                          "CSR_CERT_SAME_SUBJECT_INFO",
                                          "CERTIFICATE_VALIDITY",
                                          "CERTIFICATE_SIGNATURE_ALGORITHM",
                                          "CSR_CERT_PUBLIC_PRIVATE_KEY_MATCH"};
  BOOST_REQUIRE(list.size() == codes.size());
  for (std::size_t i = 0; i < codes.size(); ++i) {
    BOOST_TEST(list[i]["validationCode"] == codes[i]);
    BOOST_TEST(list[i]["performed"] == (i < 3));
    BOOST_TEST(list[i]["messageTemplate"] == "");
    BOOST_TEST(list[i].contains("state") == (codes[i] == "CERTIFICATE_VALIDITY"));
  }
  BOOST_TEST(list[5]["state"] == "NOT_AVAILABLE");
}

BOOST_AUTO_TEST_CASE(an_rsa_key_is_measured_against_the_configured_length) {
  const TempFolder folder;
  const std::string csr = rsa_csr(folder);
  BOOST_TEST(verdict_of("CSR_PUBLIC_KEY_LENGTH_2048", csr).verdict == Verdict::valid);
  const Validation shorter = verdict_of("CSR_PUBLIC_KEY_LENGTH_4096", csr, 4096);
  BOOST_TEST(shorter.verdict == Verdict::invalid);
  BOOST_TEST(shorter.message == "The key has 2048 bits; wanted at least 4096.");
  BOOST_TEST(verdict_of("CSR_PUBLIC_KEY_LENGTH_2048", make_csr(folder, words("-newkey rsa:1024 -subj /"))).verdict ==
             Verdict::invalid);
}

BOOST_AUTO_TEST_CASE(an_ec_key_is_measured_by_its_curve) {
  const TempFolder folder;
  const auto with_curve = [&](const std::string& curve) {
    return verdict_of("CSR_PUBLIC_KEY_LENGTH_4096",
                      make_csr(folder, words("-newkey ec -pkeyopt ec_paramgen_curve:" + curve + " -subj /")), 4096)
        .verdict;
  };
  BOOST_TEST(with_curve("P-256") == Verdict::valid);
  BOOST_TEST(with_curve("P-384") == Verdict::valid);
  BOOST_TEST(with_curve("secp256k1") == Verdict::invalid);
  BOOST_TEST(verdict_of("CSR_PUBLIC_KEY_LENGTH_2048", make_csr(folder, words("-newkey ed25519 -subj /"))).verdict ==
             Verdict::invalid);
}

BOOST_AUTO_TEST_CASE(sound_signature_algorithms_are_accepted_and_sha1_is_not) {
  const TempFolder folder;
  for (const char* options : {"-sha256", "-sha384", "-sha512", "-sigopt rsa_padding_mode:pss -sha256"})
    BOOST_TEST(verdict_of("CSR_SIGNATURE_ALGORITHM", rsa_csr(folder, options)).verdict == Verdict::valid, options);
  for (const char* options : {"-sha1", "-sigopt rsa_padding_mode:pss -sha1", "-md5"}) {
    const Validation found = verdict_of("CSR_SIGNATURE_ALGORITHM", rsa_csr(folder, options));
    BOOST_TEST(found.verdict == Verdict::invalid, options);
    BOOST_TEST(found.message.find("wanted") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(after_signing_key_dates_and_algorithm_are_judged) {
  const TempFolder folder;
  const std::string csr = rsa_csr(folder);
  const std::string certificate = make_certificate(folder, csr);
  for (const char* code : {"CSR_CERT_SAME_PUBLIC_KEY", "CERTIFICATE_VALIDITY", "CERTIFICATE_SIGNATURE_ALGORITHM"})
    BOOST_TEST(after_signing(code, csr, certificate).verdict == Verdict::valid, code);
  for (const char* code : {"CSR_CERT_SAME_SUBJECT_INFO", "CSR_CERT_PUBLIC_PRIVATE_KEY_MATCH"})
    BOOST_TEST(after_signing(code, csr, certificate).verdict == Verdict::not_available, code);
  const std::string other = rsa_csr(folder);
  BOOST_TEST(after_signing("CSR_CERT_SAME_PUBLIC_KEY", other, certificate).verdict == Verdict::invalid);
}

BOOST_AUTO_TEST_CASE(expired_and_future_certificates_are_invalid_in_result_and_state) {
  const TempFolder folder;
  const std::string csr = rsa_csr(folder);
  const std::string certificate = make_certificate(folder, csr);
  for (const auto days : {std::chrono::days(-1), std::chrono::days(11)}) {
    const Validation found = after_signing("CERTIFICATE_VALIDITY", csr, certificate, kNow + days);
    BOOST_TEST(found.verdict == Verdict::invalid);
    BOOST_TEST(to_json({found})[0]["state"] == "INVALID");
    BOOST_TEST(!found.message.empty());
  }
}

BOOST_AUTO_TEST_CASE(one_invalid_verdict_makes_the_list_invalid_and_absence_does_not) {
  BOOST_TEST(overall({{"A", Verdict::valid, ""}, {"B", Verdict::invalid, ""}}) == Verdict::invalid);
  BOOST_TEST(overall({{"A", Verdict::not_available, ""}}) == Verdict::valid);
}

BOOST_AUTO_TEST_SUITE_END()
