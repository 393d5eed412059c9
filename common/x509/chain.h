/// Certificates one after the other, from who signed up to the root, as outside roots hand them out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/x509/certificate.h"

namespace hubseal::x509 {

constexpr std::size_t kMaxChain = 8;              ///< certificates
constexpr std::size_t kMaxChainPem = 128 * 1024;  ///< characters

/// Whether each signed the one before is for others to say. Errors: bad_request, too_large.
Result<std::vector<Certificate>> parse_chain(std::string_view pem);
/// The chain as it is kept: PEM.
std::string chain_pem(const std::vector<Certificate>& chain);

}  // namespace hubseal::x509
