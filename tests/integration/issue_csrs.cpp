// Certifies CSRs with a CA in memory: the hand of ca_property_test.py, which makes them and judges.
//   issue_csrs KEY_TYPE    first line out: the CA. Then one line in, one line out.
//   in:  {"profile":"dfsp-client","subject":"bank1","csr":"...","registered":{"organization":"Bank One","country":"KE",
//         "cn":["bank1"],"dns":["a.example"],"ip":[]}}; "registered" may be missing: then nothing is known yet
//   out: {"certificate":"..."} or {"code":"policy_denied","message":"..."}
#include <iostream>

#include <nlohmann/json.hpp>

#include "common/json.h"
#include "tests/support/ca_fixture.h"

using namespace hubseal;
using namespace hubseal::test;

namespace {

/// The shipped profiles; one of them with everything that a profile can add.
ca::Profile profile_of(const std::string& name) {
  ca::Profile found = profile(name);
  if (name != "dfsp-server") return found;
  found.crl_urls = {"http://pki.example/{ca}.crl"};
  found.ocsp_urls = {"http://pki.example/ocsp"};
  found.policy_oids = {"1.3.6.1.4.1.99999.1"};
  return found;
}

ca::Participant participant_of(const Json& request) {
  ca::Participant participant = anyone(request["subject"]);
  if (!request.contains("registered")) return participant;
  const Json& registered = request["registered"];
  participant.organization = registered["organization"];
  participant.country = registered["country"];
  participant.names.emplace();
  for (const Json& name : registered["cn"])
    for (ca::ClaimedName& claim : ca::claims_of(name.get<std::string>())) participant.names->push_back(claim);
  for (const Json& name : registered["dns"]) participant.names->push_back({ca::NameKind::dns, name});
  for (const Json& name : registered["ip"]) participant.names->push_back({ca::NameKind::ip, name});
  return participant;
}

}  // namespace

int main(int argc, char** argv) {
  std::optional<TestCa> ca;
  for (const auto& [word, type] : kKeyTypes)
    if (argc == 2 && word == argv[1]) ca.emplace(type);
  if (!ca) return 2;
  std::cout << Json{{"certificate", ca->issuer->certificate().to_pem()}} << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const Json request = Json::parse(line);
    const auto certificate =
        ca->issue(request["csr"].get<std::string>(), profile_of(request["profile"]), participant_of(request));
    if (certificate)
      std::cout << Json{{"certificate", certificate->to_pem()}} << std::endl;
    else
      std::cout << Json{{"code", to_string(certificate.error().code)}, {"message", certificate.error().message}}
                << std::endl;
  }
}
