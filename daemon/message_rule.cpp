#include "daemon/message_rule.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "common/jose/fspiop_signature.h"
#include "common/log.h"

namespace hubseal::daemon {
namespace {

// What the API's requests are made with (API Definition 2.0 section 3.2). Responses are never signed (JWS-4).
constexpr std::array<std::string_view, 5> kMethods = {"DELETE", "GET", "PATCH", "POST", "PUT"};

}  // namespace

Result<MessageRule> MessageRule::parse(std::string_view line) {
  const auto refuse = [&](std::string_view why) {
    return fail(Code::bad_request, fmt::format("\"{}\": {}; wanted a method, a space and where it goes, such as "
                                               "\"PUT /quotes/*\"",
                                               log::printable(line, 128), why));
  };
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return refuse("there is no space in it");
  MessageRule rule;
  rule.method = line.substr(0, space);
  if (std::find(kMethods.begin(), kMethods.end(), rule.method) == kMethods.end())
    return refuse(fmt::format("its method is none of {}", fmt::join(kMethods, ", ")));
  rule.uri = line.substr(space + 1);
  rule.and_below = rule.uri.ends_with('*');
  if (rule.and_below) rule.uri.pop_back();
  if (rule.uri.find('*') != std::string::npos) return refuse("a * stands elsewhere than at its end");
  const auto uri = jose::fspiop_uri(rule.uri);
  if (!uri) return refuse(uri.error().message);
  if (*uri != rule.uri) return refuse(fmt::format("it goes to {}", *uri));
  return rule;
}

bool MessageRule::covers(std::string_view asked_method, std::string_view asked_uri) const {
  if (asked_method != method) return false;
  return and_below ? asked_uri.starts_with(uri) : asked_uri == uri;
}

}  // namespace hubseal::daemon
