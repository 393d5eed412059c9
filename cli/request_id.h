#pragma once

#include <string>
#include <string_view>

namespace hubseal::cli {

/// The `request` of issue_certificate when the user gives none: it depends on the CSR alone (its DER, so that
/// a copy with other line ends is the same one; the text where there is none, which is refused anyway), so that
/// the same command given again, after a time-out or a crash, gets the certificate that was made
/// the first time.
std::string derived_request_id(std::string_view csr);

}  // namespace hubseal::cli
