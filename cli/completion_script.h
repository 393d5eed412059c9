/// Shell completion from the command tree itself, so that it can name nothing that does not exist.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace hubseal::cli {

std::string bash_completion(const CLI::App& root);
std::string zsh_completion(const CLI::App& root);

}  // namespace hubseal::cli
