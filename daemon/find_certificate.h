#pragma once

#include <string>

#include "daemon/authorities.h"
#include "daemon/registry/certificate_table.h"
#include "daemon/registry/registry.h"

namespace hubseal::daemon {

/// The certificate of this CA with this whole serial. Errors: not_found, which says what else could have been meant:
/// another CA that has it, or serials that begin like it. None of these is taken in its place.
Result<CertificateRecord> find_certificate(Registry& registry, const Authorities& authorities, const std::string& ca,
                                           const std::string& serial);

}  // namespace hubseal::daemon
