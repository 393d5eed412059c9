#include "tests/support/fake_p11_script.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <limits>
#include <sstream>

#include "tests/support/fake_p11_functions.h"

namespace hubseal::test {
namespace {

/// One line, taken apart; whatever it has too much, too little or wrong ends the process.
class Words {
 public:
  explicit Words(const std::string& line) : line_(line), words_(line) {}

  std::string next() {
    std::string word;
    if (!(words_ >> word)) give_up("a word is missing");
    return word;
  }
  long number() { return number_of(next()); }
  unsigned long positive() { return static_cast<unsigned long>(number()); }
  std::string one_of(const std::vector<std::string>& known) {
    std::string word = next();
    if (std::find(known.begin(), known.end(), word) == known.end()) give_up("nobody knows \"" + word + "\"");
    return word;
  }
  /// "3", "3-5", "3+" or "*".
  void calls(FakeScript::Fault& fault) {
    const std::string when = next();
    fault.first = 1;
    fault.last = std::numeric_limits<unsigned long>::max();
    if (when == "*") return;
    const std::size_t end = std::min(when.find_first_of("-+"), when.size());
    fault.first = static_cast<unsigned long>(number_of(when.substr(0, end)));
    if (end == when.size()) fault.last = fault.first;
    if (end != when.size() && when[end] == '-')
      fault.last = static_cast<unsigned long>(number_of(when.substr(end + 1)));
    if (end != when.size() && when[end] == '+' && end + 1 != when.size()) give_up("nothing may follow the +");
    if (fault.first == 0 || fault.last < fault.first) give_up("no call has such a number");
  }
  void end() {
    std::string word;
    if (words_ >> word) give_up("\"" + word + "\" is too much");
  }

  [[noreturn]] void give_up(const std::string& reason) const {
    std::fprintf(stderr, "fake_p11: what is \"%s\"? %s\n", line_.c_str(), reason.c_str());
    std::abort();
  }

 private:
  long number_of(const std::string& word) const {
    char* rest = nullptr;
    const long value = std::strtol(word.c_str(), &rest, 0);
    if (word.empty() || *rest != '\0') give_up("\"" + word + "\" is no number");
    return value;
  }

  std::string line_;
  std::istringstream words_;
};

/// What can be done wrong, and with the answers of which functions.
const std::map<std::string, std::vector<std::string>>& fault_verbs() {
  static const std::map<std::string, std::vector<std::string>> kVerbs = {
      {"fail", function_names()},
      {"slow", function_names()},
      {"hold", function_names()},
      {"flip", {"C_Sign"}},
      {"curve", {"C_GenerateKeyPair"}},
      {"length", {"C_Sign", "C_GetAttributeValue"}},
      {"claim", {"C_GetAttributeValue", "C_FindObjects", "C_GetMechanismList", "C_GetSlotList"}},
  };
  return kVerbs;
}

bool parse_fault(FakeScript& script, const std::string& verb, Words& words) {
  const auto functions = fault_verbs().find(verb);
  if (functions == fault_verbs().end()) return false;
  FakeScript::Fault fault{.verb = verb, .function = words.one_of(functions->second), .first = 1, .last = 1, .value = 0};
  words.calls(fault);
  if (verb != "flip" && verb != "hold") fault.value = words.number();
  script.faults.push_back(fault);
  return true;
}

bool parse_state(FakeScript& script, const std::string& verb, Words& words) {
  if (verb == "absent") {
    script.absent = true;
  } else if (verb == "dead") {
    script.dead = words.positive();
  } else if (verb == "flags") {
    script.flags |= words.positive();
  } else if (verb == "attribute") {
    const unsigned long type = words.positive();
    script.attributes[type] = words.one_of({"0", "1"}) == "1";
  } else if (verb == "hide") {
    script.hidden.insert(words.positive());
  } else if (verb == "serial") {
    script.serial = words.next();
  } else if (verb == "manufacturer") {
    script.manufacturer = words.next();
  } else if (verb == "renumber") {
    script.renumber = words.positive();
  } else {
    return false;
  }
  return true;
}

void parse_line(FakeScript& script, const std::string& line) {
  const std::size_t begin = line.find_first_not_of(" \t");
  if (begin == std::string::npos || line[begin] == '#') return;
  Words words(line);
  const std::string verb = words.next();
  if (!parse_fault(script, verb, words) && !parse_state(script, verb, words))
    words.give_up("nobody knows \"" + verb + "\"");
  words.end();
}

}  // namespace

FakeScript FakeScript::parse(std::string_view text) {
  FakeScript script;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) parse_line(script, line);
  return script;
}

std::optional<long> FakeScript::fault(std::string_view verb, std::string_view function, unsigned long call) const {
  for (const Fault& fault : faults)
    if (fault.verb == verb && fault.function == function && fault.first <= call && call <= fault.last)
      return fault.value;
  return std::nullopt;
}

}  // namespace hubseal::test
