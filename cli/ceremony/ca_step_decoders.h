/// Steps about CAs. Errors: bad_request, too_large.
#pragma once

#include "cli/ceremony/script.h"
#include "common/fields.h"

namespace hubseal::cli {

Result<Json> decode_create_ca(Fields& fields);
Result<Json> decode_install_ca(Fields& fields);
Result<Json> decode_import_ca(Fields& fields);
Result<Json> decode_cross_certify(Fields& fields);
Result<Json> decode_retire_ca(Fields& fields);

}  // namespace hubseal::cli
