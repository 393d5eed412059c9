/// Answers about CAs against their audit record, their request and the steps before them.
#pragma once

#include "cli/ceremony/proven_step.h"

namespace hubseal::cli {

// Errors: policy_denied; bad_request where the answer holds no certificate.
Result<> check_created_ca(const ProvenStep& step);
Result<> check_installed_ca(const ProvenStep& step);
Result<> check_imported_ca(const ProvenStep& step);
Result<> check_cross_certificate(const ProvenStep& step);
Result<> check_retired_ca(const ProvenStep& step);

}  // namespace hubseal::cli
