/// Extensions of a finished certificate as OpenSSL reads them, for the linter: what build.cpp wrote is
/// not asked what it meant.
/// Errors: bad_request, when an extension is repeated, does not decode, or is of a form that is never written here.
#pragma once

#include <string>
#include <vector>

#include "common/x509/certificate.h"

namespace hubseal::ca {

/// URLs of cRLDistributionPoints.
Result<std::vector<std::string>> crl_urls_in(const x509::Certificate& certificate);
/// URLs of OCSP responders in authorityInfoAccess.
Result<std::vector<std::string>> ocsp_urls_in(const x509::Certificate& certificate);
/// certificatePolicies, dotted.
Result<std::vector<std::string>> policy_oids_in(const x509::Certificate& certificate);

}  // namespace hubseal::ca
