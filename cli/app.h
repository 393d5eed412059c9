#pragma once

#include <string_view>

#include "cli/session.h"

namespace CLI {
class App;
}

namespace hubseal::cli {

/// Adds the global options and every subcommand. Parsing sets `session.action`.
/// `session` must outlive `app`.
void build(CLI::App& app, Session& session);

/// Parses, acts, explains what went wrong on standard error; the exit status of the process.
int run(int argc, char** argv);

}  // namespace hubseal::cli
