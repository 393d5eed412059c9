// Certifies CSRs with a CA in memory: the hand of ca_property_test.py, which makes them and judges.
//   issue_csrs KEY_TYPE    first line out: the CA. Then one line in, one line out.
//   in:  {"profile":"dfsp-client","subject":"bank1","csr":"..."}
//   out: {"certificate":"..."} or {"code":"policy_denied","message":"..."}
#include <iostream>

#include <nlohmann/json.hpp>

#include "common/json.h"
#include "tests/support/ca_fixture.h"

using namespace hubseal;
using namespace hubseal::test;

int main(int argc, char** argv) {
  std::optional<TestCa> ca;
  for (const auto& [word, type] : kKeyTypes)
    if (argc == 2 && word == argv[1]) ca.emplace(type);
  if (!ca) return 2;
  std::cout << Json{{"certificate", ca->issuer->certificate().to_pem()}} << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const Json request = Json::parse(line);
    const auto certificate =
        ca->issue(request["csr"].get<std::string>(), profile(request["profile"]), request["subject"]);
    if (certificate)
      std::cout << Json{{"certificate", certificate->to_pem()}} << std::endl;
    else
      std::cout << Json{{"code", to_string(certificate.error().code)}, {"message", certificate.error().message}}
                << std::endl;
  }
}
