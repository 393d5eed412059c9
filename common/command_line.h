/// The options of hubseald and hubseal-agent, read alike.
#pragma once

#include <optional>

#include <CLI/CLI.hpp>

#include "common/exit_code.h"

namespace hubseal {

/// Reads the command line into what `app` was told; the exit status where there is nothing more to do: after
/// --help and --version, which it prints, and after a wrong option, which it names on standard error.
inline std::optional<int> read_options(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? static_cast<int>(ExitCode::ok) : static_cast<int>(ExitCode::usage);
  }
}

}  // namespace hubseal
