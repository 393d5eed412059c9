#pragma once

#include <string>

#include "cli/ceremony/verifier.h"

namespace hubseal::cli {

/// What was found, for programs. Steps that are not proven are left out.
Json json_of(const CeremonyVerdict& verdict);
/// For people: what nothing proves is marked.
std::string render_verdict(const CeremonyVerdict& verdict);

}  // namespace hubseal::cli
