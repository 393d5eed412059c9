#include "cli/request_id.h"

#include "common/key_types.h"

namespace hubseal::cli {

std::string derived_request_id(std::string_view csr) {
  // 128 bits: far beyond chance, and a name that still fits in a column.
  return "csr-" + to_hex(ByteView(sha256(as_bytes(csr))).first(16));
}

}  // namespace hubseal::cli
