/// What a step leaves in the audit log.
#pragma once

#include "cli/ceremony/transcript.h"

namespace hubseal::cli {

/// Whether this record of the audit log says that the step was done. In words what is different; empty where nothing
/// is.
std::string differs(const Json& record, const CeremonyStep& step, const Asked& asked);

}  // namespace hubseal::cli
