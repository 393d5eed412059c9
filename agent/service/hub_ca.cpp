#include "agent/service/hub_ca.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/service/issued_certificate.h"
#include "agent/service/signing_daemon.h"
#include "agent/service/x509_info.h"
#include "common/json.h"
#include "common/log.h"

namespace hubseal::agent {

Result<std::optional<std::string>> HubCa::certificate() {
  const auto ca = daemon_.get_ca(ca_name_);
  if (!ca && ca.error().code == Code::not_found) return std::nullopt;
  if (!ca) return tl::unexpected(ca.error());
  if (!ca->issues) return std::nullopt;
  return shown(ca->certificate);
}

// Whoever is at the door asks for it, and it changes once in years: what was read once is known by its text.
Result<std::string> HubCa::shown(const std::string& certificate) {
  if (auto last = last_.lock(); *last && (*last)->certificate == certificate) return (*last)->shown;
  const auto parsed = TRY(IssuedCertificate::parse(certificate));
  *last_.lock() = Shown{certificate, parsed.pem()};
  return parsed.pem();
}

Result<std::string> HubCa::confirm(const Name& wanted) {
  const std::optional<std::string> pem = TRY(certificate());
  if (!pem)
    return fail(
        Code::not_found,
        fmt::format("there is no hub CA \"{}\" that can sign. Its key is made in the ceremony on the signing host, "
                    "never over REST; create it there with: hubseal ca create {} --help",
                    ca_name_, ca_name_));
  const IssuedCertificate certificate = TRY(IssuedCertificate::parse(*pem));
  const Json found = name_info(X509_get_subject_name(certificate.get()));
  for (const auto& [attribute, value] : wanted) {
    const std::string existing = found.contains(attribute) ? found[attribute].get<std::string>() : "";
    if (existing != value)
      return fail(Code::conflict,
                  fmt::format("the hub CA exists with {}=\"{}\"; wanted {}=\"{}\". It is never replaced over REST",
                              attribute, log::printable(existing), attribute, log::printable(value)));
  }
  return *pem;
}

}  // namespace hubseal::agent
