#include "agent/http/browser_guard.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "common/log.h"

namespace hubseal::agent::http {
namespace {

constexpr std::size_t kMaxPortDigits = 5;

/// "localhost" of "localhost:3001", "[::1]" of "[::1]:3001".
std::string_view host_name(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(0, std::min(authority.find(']'), authority.size() - 1) + 1);
  return authority.substr(0, authority.find(':'));
}

/// What may stand behind the name: nothing, or a port. Anything else would come back wherever an answer names this
/// server.
bool is_port(std::string_view rest) {
  if (rest.empty()) return true;
  const std::string_view digits = rest.substr(1);
  return rest.front() == ':' && !digits.empty() && digits.size() <= kMaxPortDigits &&
         digits.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_loopback_literal(std::string_view host) {
  if (host == "[::1]") return true;
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

std::optional<std::string> BrowserGuard::refuse(const Incoming& request) const {
  // HTTP/1.0 may leave Host out, as no browser does; what has an Origin came through one all the same.
  std::string host = request.host.value_or("");
  std::transform(host.begin(), host.end(), host.begin(), [](unsigned char c) { return std::tolower(c); });
  // A page whose own name was made to resolve to 127.0.0.1 (DNS rebinding) is of the same origin as
  // far as the browser knows; only the Host header still tells.
  const std::string_view name = host_name(host);
  const bool known =
      name == "localhost" || is_loopback_literal(name) || std::find(hosts_.begin(), hosts_.end(), name) != hosts_.end();
  if (request.host && !(known && is_port(std::string_view(host).substr(name.size()))))
    return fmt::format(
        "Host is \"{}\"; wanted localhost, a loopback address or a name of \"hosts\" in agent.toml, "
        "and behind it nothing or a port",
        log::printable(host, 80));
  // Browsers add Origin to what a page of another site sends, also where no preflight is needed.
  const bool own = request.host && (request.origin == "http://" + host || request.origin == "https://" + host);
  if (request.origin && !own)
    return fmt::format("Origin is \"{}\"; wanted this server's own", log::printable(*request.origin, 80));
  return std::nullopt;
}

}  // namespace hubseal::agent::http
