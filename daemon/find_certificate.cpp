#include "daemon/find_certificate.h"

#include <fmt/format.h>

namespace hubseal::daemon {
namespace {

/// "; CA "hub-ca-2" has"; empty where nothing is alike.
Result<std::string> what_is_alike(Database& database, const std::vector<std::string>& cas, const std::string& serial) {
  std::string text;
  for (const std::string& ca : cas)
    if (const auto found = TRY(certificate_table::first_beginning(database, ca, serial)))
      text += *found == serial
                  ? fmt::format("; CA \"{}\" has", ca)
                  : fmt::format("; CA \"{}\" has {}, which begins like it: wanted the whole serial", ca, *found);
  return text;
}

}  // namespace

Result<CertificateRecord> find_certificate(Registry& registry, const Authorities& authorities, const std::string& ca,
                                           const std::string& serial) {
  const std::vector<std::string> cas = authorities.names();  // nobody locks anything while the registry is locked
  return registry.read([&](Database& database) -> Result<CertificateRecord> {
    if (auto record = TRY(certificate_table::find(database, ca, serial))) return *std::move(record);
    return fail(Code::not_found, fmt::format("CA \"{}\" has no certificate with serial {}{}", ca, serial,
                                             TRY(what_is_alike(database, cas, serial))));
  });
}

}  // namespace hubseal::daemon
