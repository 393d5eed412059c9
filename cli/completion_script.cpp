#include "cli/completion_script.h"

#include <functional>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace hubseal::cli {
namespace {

std::vector<const CLI::App*> subcommands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

/// Calls visit(path, app) for every subcommand below `app`; the path is "cert issue".
void walk(const CLI::App& app, const std::string& path,
          const std::function<void(const std::string&, const CLI::App&)>& visit) {
  visit(path, app);
  for (const CLI::App* child : subcommands(app))
    walk(*child, path.empty() ? child->get_name() : path + ' ' + child->get_name(), visit);
}

std::vector<std::string> long_names(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

/// The words of an IsMember check, which CLI11 tells only within the type's name: "TEXT:{ca,jws}".
std::string choices(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t begin = type.find('{');
  const std::size_t end = type.rfind('}');
  if (begin == std::string::npos || end == std::string::npos || end < begin) return {};
  std::string words = type.substr(begin + 1, end - begin - 1);
  for (char& c : words)
    if (c == ',') c = ' ';
  return words;
}

bool is_flag(const CLI::Option& option) { return option.get_items_expected_max() == 0; }

bool takes_file(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  return type == "FILE" || type == "PATH";
}

/// For zsh's single quotes and its own "name:description" and "[...]" syntax.
std::string zsh_text(const std::string& text) {
  std::string quoted;
  for (const char c : text) {
    if (c == '\'')
      quoted += "'\\''";
    else if (c == ':' || c == '[' || c == ']')
      quoted += std::string("\\") + c;
    else
      quoted += c;
  }
  return quoted;
}

std::string zsh_value(const CLI::Option& option) {
  if (const std::string words = choices(option); !words.empty()) return fmt::format(":value:({})", words);
  return takes_file(option) ? ":file:_files" : ":value: ";
}

/// An element of _arguments for each name of an option, and for a positional argument.
std::string zsh_arguments(const CLI::App& app) {
  std::string lines;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : long_names(*option)) {
      if (app.get_parent() == nullptr && name == "--help") continue;  // each command has one of its own
      lines += fmt::format("        '{}{}[{}]{}' \\\n", is_flag(*option) ? "" : "*", name,
                           zsh_text(option->get_description()), is_flag(*option) ? "" : zsh_value(*option));
    }
    if (option->get_positional())
      lines += fmt::format(
          "        '::{}{}' \\\n", zsh_text(option->get_single_name()),
          takes_file(*option) ? ":_files" : ":" + (choices(*option).empty() ? " " : "(" + choices(*option) + ")"));
  }
  return lines;
}

/// The loop that finds out which subcommand the words before the cursor name.
std::string path_cases(const CLI::App& root) {
  std::string pattern;
  walk(root, "", [&](const std::string& path, const CLI::App&) {
    if (!path.empty()) pattern += (pattern.empty() ? "\"" : " | \"") + path + '"';
  });
  return pattern;
}

}  // namespace

std::string bash_completion(const CLI::App& root) {
  std::string words;
  std::string values;
  std::string global;
  for (const CLI::Option* option : root.get_options())
    for (const std::string& name : long_names(*option))
      if (name != "--help") global += ' ' + name;  // each command has one of its own
  walk(root, "", [&](const std::string& path, const CLI::App& app) {
    std::string offered;
    for (const CLI::App* child : subcommands(app)) offered += child->get_name() + ' ';
    for (const CLI::Option* option : app.get_options()) {
      if (option->get_positional() && !choices(*option).empty()) offered += choices(*option) + ' ';
      for (const std::string& name : long_names(*option)) {
        if (!path.empty() || name == "--help") offered += name + ' ';
        const std::string pattern = path.empty() ? "*\" " + name + '"' : fmt::format("\"{} {}\"", path, name);
        if (!choices(*option).empty())
          values += fmt::format("    {}) words=\"{}\" ;;\n", pattern, choices(*option));
        else if (!is_flag(*option))
          values += fmt::format("    {}) words=\"\" ;;\n", pattern);  // files, by the default
      }
    }
    words += fmt::format("    \"{}\") words=\"{}{}\" ;;\n", path, offered, global.substr(1));
  });
  return fmt::format(
      "# bash completion for hubseal. Install: hubseal completion bash > "
      "/etc/bash_completion.d/hubseal\n"
      "_hubseal() {{\n"
      "  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} path=\"\" words=\"\" i try\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    try=\"${{path:+$path }}${{COMP_WORDS[i]}}\"\n"
      "    case \"$try\" in\n"
      "    {}) path=$try ;;\n"
      "    esac\n"
      "  done\n"
      "  case \"$path\" in\n{}  esac\n"
      "  case \"$path $previous\" in\n{}  esac\n"
      "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
      "}}\n"
      "complete -o default -F _hubseal hubseal\n",
      path_cases(root), words, values);
}

std::string zsh_completion(const CLI::App& root) {
  std::string cases;
  const std::string global = zsh_arguments(root);
  walk(root, "", [&](const std::string& path, const CLI::App& app) {
    std::string described;
    for (const CLI::App* child : subcommands(app))
      described += fmt::format(" '{}:{}'", child->get_name(), zsh_text(child->get_description()));
    if (described.empty())
      cases += fmt::format("    \"{}\")\n      _arguments -S \\\n{}{}        && return\n      ;;\n", path,
                           zsh_arguments(app), global);
    else
      cases += fmt::format(
          "    \"{}\")\n      commands=({})\n      _describe -t commands command commands\n"
          "      _arguments -S \\\n{}        '*: : '\n      ;;\n",
          path, described.substr(1), global);
  });
  return fmt::format(
      "#compdef hubseal\n"
      "# zsh completion for hubseal. Install: hubseal completion zsh > "
      "/usr/share/zsh/vendor-completions/_hubseal\n"
      "_hubseal() {{\n"
      "  local path_so_far=\"\" try i last=1\n"
      "  local -a commands\n"
      "  for ((i = 2; i < CURRENT; i++)); do\n"
      "    try=\"${{path_so_far:+$path_so_far }}${{words[i]}}\"\n"
      "    case \"$try\" in\n"
      "    {}) path_so_far=$try last=$i ;;\n"
      "    esac\n"
      "  done\n"
      "  # _arguments counts positions from the command itself.\n"
      "  words=(\"${{words[1]}}\" \"${{(@)words[last+1,-1]}}\")\n"
      "  (( CURRENT -= last - 1 ))\n"
      "  case \"$path_so_far\" in\n{}  esac\n"
      "}}\n"
      "_hubseal \"$@\"\n",
      path_cases(root), cases);
}

}  // namespace hubseal::cli
