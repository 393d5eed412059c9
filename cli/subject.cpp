#include "cli/subject.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/bytes.h"
#include "common/log.h"
#include "common/x509/distinguished_name.h"

namespace hubseal::cli {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kAttributes = {{
    {"CN", "common_name"},
    {"O", "organization"},
    {"OU", "organizational_unit"},
    {"L", "locality"},
    {"ST", "state"},
    {"C", "country"},
}};
constexpr std::string_view kEscapable = ",+\"\\<>;= #";

/// What follows a backslash: one of the characters that mean something, or two hexadecimal digits.
Result<char> take_escaped(std::string_view& text) {
  if (!text.empty() && kEscapable.find(text[0]) != std::string_view::npos) {
    const char c = text[0];
    text.remove_prefix(1);
    return c;
  }
  const auto byte = from_hex(text.substr(0, 2));
  if (!byte || byte->size() != 1)
    return fail(Code::bad_request, "subject: a backslash escapes one of , + \" \\ < > ; = # or two hexadecimal digits");
  text.remove_prefix(2);
  return static_cast<char>(byte->front());
}

/// The value up to the next comma that is not escaped; spaces around it do not count.
Result<std::string> take_value(std::string_view& text) {
  std::string value;
  std::size_t kept = 0;  // bytes that are not unescaped trailing spaces
  while (!text.empty() && text[0] != ',') {
    const char c = text[0];
    text.remove_prefix(1);
    if (c == '\\') {
      value += TRY(take_escaped(text));
      kept = value.size();
    } else if (c == '+' || c == '"' || c == ';') {
      return fail(Code::bad_request, fmt::format("subject: write \\{} for a {} within a value", c, c));
    } else if (c != ' ' || !value.empty()) {
      value += c;
      if (c != ' ') kept = value.size();
    }
  }
  value.resize(kept);
  return value;
}

Result<std::string_view> take_attribute(std::string_view& text) {
  while (!text.empty() && text[0] == ' ') text.remove_prefix(1);
  const std::size_t equals = text.find('=');
  std::string word(text.substr(0, std::min(equals, text.find(','))));
  while (!word.empty() && word.back() == ' ') word.pop_back();
  if (equals == std::string_view::npos || text.find(',') < equals || word.empty() || word[0] == '/')
    return fail(Code::bad_request, fmt::format("subject: \"{}\" is not ATTRIBUTE=value; wanted for example "
                                               "CN=Example Hub Root CA,O=Example Hub,C=KE",
                                               log::printable(text, 64)));
  text.remove_prefix(equals + 1);
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  for (const auto& [attribute, member] : kAttributes)
    if (attribute == word) return member;
  return fail(Code::bad_request,
              fmt::format("subject: {} is not known; wanted CN, O, OU, L, ST or C", log::printable(word, 64)));
}

/// The daemon's own rules, so that no key is made for a name that it will refuse.
Result<> check_value(std::string_view member, std::string_view value) {
  if (member == "country" && value.size() != 2)  // "at most 2 characters" would not help
    return fail(Code::bad_request, fmt::format("subject: C={} is not a country: wanted two capital letters (ISO 3166)",
                                               log::printable(value, 64)));
  for (const auto& [word, attribute] : x509::kAttributes) {
    if (word != member) continue;
    if (const auto checked = x509::check_attribute(attribute, value); !checked)
      return fail(Code::bad_request, "subject: " + checked.error().message);
  }
  return {};
}

}  // namespace

Result<Json> parse_subject(std::string_view text) {
  Json subject = Json::object();
  do {
    const std::string member(TRY(take_attribute(text)));
    std::string value = TRY(take_value(text));
    if (value.empty()) return fail(Code::bad_request, fmt::format("subject: {} is empty", member));
    if (subject.contains(member)) return fail(Code::bad_request, fmt::format("subject: {} is given twice", member));
    TRY(check_value(member, value));
    subject[member] = std::move(value);
    if (text.empty()) return subject;
    text.remove_prefix(1);  // the comma
  } while (true);
}

}  // namespace hubseal::cli
