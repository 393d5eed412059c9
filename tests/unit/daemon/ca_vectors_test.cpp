#include <sstream>

#include <boost/test/unit_test.hpp>

#include "tests/support/ca_fixture.h"

using namespace hubseal;
using namespace hubseal::test;

namespace {

struct Vector {
  std::string file, profile, outcome, words;
};

std::vector<Vector> vectors() {
  std::istringstream lines(source_file("tests/vectors/csr/expected.txt"));
  std::vector<Vector> result;
  for (Vector v; std::getline(lines, v.file, '\t') && std::getline(lines, v.profile, '\t') &&
                 std::getline(lines, v.outcome, '\t') && std::getline(lines, v.words);)
    result.push_back(v);
  return result;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ca_vectors)

BOOST_AUTO_TEST_CASE(RFC_2986_every_vector_gets_what_expected_txt_says) {
  const TestCa ca(KeyType::rsa_2048);
  BOOST_TEST(vectors().size() > 90u);
  for (const Vector& v : vectors()) {
    const auto certificate = ca.issue(source_file("tests/vectors/csr/" + v.file), profile(v.profile));
    const std::string outcome = certificate ? "issued" : std::string(to_string(certificate.error().code));
    const std::string text = certificate ? certificate->subject() : certificate.error().message;
    BOOST_TEST(outcome == v.outcome, v.file << ": " << outcome << ": " << text);
    BOOST_TEST(text.find(v.words) != std::string::npos, v.file << ": \"" << text << "\" lacks \"" << v.words << "\"");
    BOOST_TEST(text.find('\n') == std::string::npos, v.file << ": a message of several lines");
  }
}

BOOST_AUTO_TEST_SUITE_END()
