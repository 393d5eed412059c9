#include <CLI/CLI.hpp>
#include <boost/test/unit_test.hpp>

#include "cli/app.h"
#include "cli/completion_script.h"

using namespace hubseal::cli;

namespace {

struct Tree {
  Tree() { build(app, session); }
  void parse(std::vector<std::string> words) {
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    app.parse(words);
  }
  Session session;
  CLI::App app;
};

template <class Visit>
void walk(const CLI::App& app, const Visit& visit) {
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) {
    visit(*child);
    walk(*child, visit);
  }
}

/// The words of each example that starts with "hubseal", as a shell would split them; what stands
/// after a pipe or a redirection is not ours.
std::vector<std::vector<std::string>> examples_in(const std::string& footer) {
  std::vector<std::vector<std::string>> examples;
  std::size_t start = footer.find("\n  hubseal ");
  for (; start != std::string::npos; start = footer.find("\n  hubseal ", start + 1)) {
    std::vector<std::string> words;
    std::string word;
    char quote = 0;
    for (std::size_t i = start + 3; i < footer.size(); ++i) {
      const char c = footer[i];
      if (!quote && c == '\\' && footer[i + 1] == '\n')
        ++i;
      else if (!quote && (c == '"' || c == '\''))
        quote = c;
      else if (quote && c == quote)
        quote = 0;
      else if (quote || (c != ' ' && c != '\n' && c != '|' && c != '>' && c != '<'))
        word += c;
      else {
        if (!word.empty()) words.push_back(std::exchange(word, {}));
        if (c != ' ') break;
      }
    }
    words.erase(words.begin());
    examples.push_back(words);
  }
  return examples;
}

/// "hubseal key rotation list"
std::string as_typed(const CLI::App& command) {
  return command.get_parent() ? as_typed(*command.get_parent()) + ' ' + command.get_name() : "hubseal";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(command_tree)

BOOST_AUTO_TEST_CASE(every_command_and_option_explains_itself_and_every_command_has_an_example) {
  const Tree tree;
  walk(tree.app, [](const CLI::App& command) {
    BOOST_TEST(!command.get_description().empty(), command.get_name());
    BOOST_TEST(command.get_footer().find(as_typed(command)) != std::string::npos, command.get_name()
                                                                                      << " has no example of itself");
    for (const CLI::Option* option : command.get_options())
      BOOST_TEST(!option->get_description().empty(), command.get_name() << ' ' << option->get_name());
  });
}

BOOST_AUTO_TEST_CASE(global_options_may_stand_before_and_after_the_command) {
  for (const auto& words : {std::vector<std::string>{"--json", "--socket", "/a", "key", "list"},
                            std::vector<std::string>{"key", "list", "--socket", "/a", "--json"}}) {
    Tree tree;
    tree.parse(words);
    BOOST_TEST(tree.session.json);
    BOOST_TEST(tree.session.socket == "/a");
    BOOST_TEST(tree.session.socket_given);
    BOOST_TEST(static_cast<bool>(tree.session.action));
  }
}

BOOST_AUTO_TEST_CASE(every_example_parses_as_it_stands) {
  const Tree tree;
  std::vector<std::string> footers = {tree.app.get_footer()};
  walk(tree.app, [&](const CLI::App& command) { footers.push_back(command.get_footer()); });
  std::size_t tried = 0;
  for (const std::string& footer : footers)
    for (const auto& words : examples_in(footer)) {
      Tree fresh;
      BOOST_CHECK_NO_THROW(fresh.parse(words));
      BOOST_TEST(static_cast<bool>(fresh.session.action), words.front() << " in " << footer);
      ++tried;
    }
  BOOST_TEST(tried > 20u);
}

BOOST_AUTO_TEST_CASE(what_is_not_known_is_refused) {
  const std::vector<std::string> mistakes[] = {
      {},
      {"key"},
      {"frobnicate"},
      {"status", "extra"},
      {"key", "create", "x", "--type", "rsa_1024", "--use", "ca"},
      {"cert", "issue", "--participant", "a"},
      {"--timeout", "0", "status"},
      {"cert", "list", "--limit", "0"},
      {"cert", "list", "--limit", "501"},
      {"approval", "show"},
      {"approval", "list", "--state", "lost"},
      {"approval", "approve", "a-1", "--signature", "s"},
      {"approval", "approve", "a-1", "--assertion", "a"},
      {"approval", "approve", "a-1", "--approver", "x", "--signature", "s", "--assertion", "a"},
      {"approver", "add", "x", "--uid", "1"},
      {"approver", "add", "x", "--person", "x", "--uid", "-2"},
      {"approver", "add", "x", "--person", "x", "--credential-id", "AA"},
      {"completion", "fish"}};
  for (const auto& words : mistakes) {
    Tree tree;
    BOOST_CHECK_THROW(tree.parse(words), CLI::ParseError);
    BOOST_TEST(!tree.session.action);
  }
}

BOOST_AUTO_TEST_CASE(completion_names_every_command_and_long_option) {
  const Tree tree;
  const std::string bash = bash_completion(tree.app);
  const std::string zsh = zsh_completion(tree.app);
  walk(tree.app, [&](const CLI::App& command) {
    BOOST_TEST(bash.find(command.get_name()) != std::string::npos, command.get_name());
    BOOST_TEST(zsh.find(command.get_name()) != std::string::npos, command.get_name());
    for (const CLI::Option* option : command.get_options())
      for (const std::string& name : option->get_lnames()) {
        BOOST_TEST(bash.find(" --" + name) != std::string::npos, name);
        BOOST_TEST(zsh.find("--" + name + "[") != std::string::npos, name);
      }
  });
}

BOOST_AUTO_TEST_SUITE_END()
