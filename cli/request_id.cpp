#include "cli/request_id.h"

#include "common/key_types.h"
#include "common/x509/pem.h"

namespace hubseal::cli {

std::string derived_request_id(std::string_view csr) {
  const auto der = x509::der_of_pem(csr, {"CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"});
  // 128 bits: far beyond chance, and a name that still fits in a column.
  return "csr-" + to_hex(ByteView(sha256(der ? ByteView(*der) : as_bytes(csr))).first(16));
}

}  // namespace hubseal::cli
