// hubseal: the command line of the security team. What it can do is in cli/commands/, one file per
// subcommand; what it may do is decided by hubseald.
#include <exception>

#include <fmt/format.h>

#include "cli/app.h"
#include "cli/input_output.h"
#include "common/exit_code.h"

int main(int argc, char** argv) {
  using namespace hubseal;
  using namespace hubseal::cli;
  try {
    return run(argc, argv);
  } catch (const std::exception& fault) {
    print_note(fmt::format("hubseal: internal: {}\n", fault.what()));
    return static_cast<int>(ExitCode::internal);
  }
}
