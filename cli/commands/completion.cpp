// hubseal completion: what the shell offers after a Tab.
#include <memory>

#include <CLI/CLI.hpp>

#include "cli/commands/commands.h"
#include "cli/completion_script.h"
#include "cli/input_output.h"

namespace hubseal::cli {
namespace {

struct Options {
  std::string shell;
};

}  // namespace

void add_completion(CLI::App& app, Session& session) {
  const auto options = std::make_shared<Options>();
  CLI::App* asked = command(app, "completion", "Print the completion script of a shell",
                            "  source <(hubseal completion bash)\n"
                            "  hubseal completion zsh > /usr/share/zsh/vendor-completions/_hubseal\n");
  asked->add_option("shell", options->shell, "Which shell")->required()->check(CLI::IsMember({"bash", "zsh"}));
  on(asked, session, options, [&app](const Session&, const Options& chosen) -> Result<ExitCode> {
    print(chosen.shell == "bash" ? bash_completion(app) : zsh_completion(app));
    return ExitCode::ok;
  });
}

}  // namespace hubseal::cli
