#include "cli/subject.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

using namespace hubseal;
using namespace hubseal::cli;

namespace {

std::string parsed(std::string_view text) { return dump_json(parse_subject(text).value()); }

std::string problem(std::string_view text) {
  const auto subject = parse_subject(text);
  BOOST_TEST_REQUIRE(!subject.has_value(), text << " was accepted");
  BOOST_TEST((subject.error().code == Code::bad_request));
  return subject.error().message;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(subject)

BOOST_AUTO_TEST_CASE(a_name_becomes_the_members_of_the_wire) {
  BOOST_TEST(parsed("CN=Example Hub Root CA,O=Example Hub,C=KE") ==
             R"({"common_name":"Example Hub Root CA","organization":"Example Hub","country":"KE"})");
  BOOST_TEST(
      parsed("C=KE, ST=Nairobi , L=Westlands,OU=Keys,O=Hub,cn = x") ==
      R"({"country":"KE","state":"Nairobi","locality":"Westlands","organizational_unit":"Keys","organization":"Hub","common_name":"x"})");
}

BOOST_AUTO_TEST_CASE(escapes_of_rfc_4514_are_understood) {
  BOOST_TEST(parsed("O=Hub\\, Ltd.,CN=a\\+b\\\\c\\\"") == R"({"organization":"Hub, Ltd.","common_name":"a+b\\c\""})");
  BOOST_TEST(parsed("CN=Cr\\C3\\A9dit") == "{\"common_name\":\"Crédit\"}");
  BOOST_TEST(parsed("CN=a\\ b ,O=c") == R"({"common_name":"a b","organization":"c"})");
  BOOST_TEST(parsed("CN=a=b") == R"({"common_name":"a=b"})");
}

BOOST_AUTO_TEST_CASE(mistakes_are_named) {
  BOOST_TEST(problem("").find("ATTRIBUTE=value") != std::string::npos);
  BOOST_TEST(problem("Example Hub").find("ATTRIBUTE=value") != std::string::npos);
  BOOST_TEST(problem("/CN=a/O=b").find("CN=Example Hub Root CA") != std::string::npos);  // openssl's old form
  BOOST_TEST(problem("CN=a,").find("ATTRIBUTE=value") != std::string::npos);
  BOOST_TEST(problem("CN=a,b,O=c").find("\"b,O=c\"") != std::string::npos);
  BOOST_TEST(problem("CN=a,EMAIL=b").find("EMAIL is not known") != std::string::npos);
  BOOST_TEST(problem("CN=a,CN=b").find("common_name is given twice") != std::string::npos);
  BOOST_TEST(problem("CN=").find("common_name is empty") != std::string::npos);
  BOOST_TEST(problem("CN=  ,O=b").find("common_name is empty") != std::string::npos);
  BOOST_TEST(problem("CN=a+O=b").find("\\+") != std::string::npos);
  BOOST_TEST(problem("CN=a\\").find("backslash") != std::string::npos);
  BOOST_TEST(problem("CN=a\\zz").find("backslash") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(values_that_the_daemon_would_refuse_are_refused_here) {
  for (const char* country : {"Kenya", "ke", "K", "K1"})
    BOOST_TEST(problem(std::string("CN=a,O=b,C=") + country).find("two capital letters") != std::string::npos);
  BOOST_TEST(problem("CN=" + std::string(65, 'x')).find("at most 64") != std::string::npos);
  BOOST_TEST(problem("CN=a\\ ,O=b").find("ends with a space") != std::string::npos);  // an escaped space stays
}

BOOST_AUTO_TEST_SUITE_END()
