#include "tests/support/fake_p11_script.h"

#include <cstdio>
#include <cstdlib>
#include <limits>
#include <sstream>

namespace hubseal::test {
namespace {

long number(const std::string& text) { return std::strtol(text.c_str(), nullptr, 0); }
unsigned long positive(const std::string& text) { return static_cast<unsigned long>(number(text)); }

FakeScript::Fault parse_fault(const std::string& verb, std::istringstream& words) {
  FakeScript::Fault fault{
      .verb = verb, .function = "", .first = 1, .last = std::numeric_limits<unsigned long>::max(), .value = 0};
  std::string when;
  std::string value = "1";
  words >> fault.function >> when >> value;
  if (when != "*") {
    fault.first = positive(when);
    if (when.back() != '+') fault.last = fault.first;
  }
  fault.value = number(value);
  return fault;
}

void parse_line(FakeScript& script, const std::string& line) {
  std::istringstream words(line);
  std::string verb;
  std::string first;
  std::string second;
  if (!(words >> verb) || verb.front() == '#') return;
  if (verb == "fail" || verb == "slow" || verb == "flip" || verb == "length") {
    script.faults.push_back(parse_fault(verb, words));
    return;
  }
  words >> first >> second;
  if (verb == "absent") {
    script.absent = true;
  } else if (verb == "dead") {
    script.dead = positive(first);
  } else if (verb == "flags") {
    script.flags |= positive(first);
  } else if (verb == "attribute") {
    script.attributes[positive(first)] = second == "1";
  } else if (verb == "hide") {
    script.hidden.insert(positive(first));
  } else if (verb == "serial") {
    script.serial = first;
  } else if (verb == "manufacturer") {
    script.manufacturer = first;
  } else if (verb == "renumber") {
    script.renumber = positive(first);
  } else {
    std::fprintf(stderr, "fake_p11: what is \"%s\"?\n", line.c_str());
    std::abort();
  }
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
