#include "agent/http/cookies.h"

#include <algorithm>

#include <fmt/format.h>

namespace hubseal::agent::http {

std::optional<std::string> find_cookie(std::string_view header, std::string_view name) {
  std::optional<std::string> found;
  while (!header.empty()) {
    header.remove_prefix(std::min(header.find_first_not_of(" \t"), header.size()));
    const std::string_view pair = header.substr(0, header.find(';'));
    header.remove_prefix(std::min(pair.size() + 1, header.size()));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
    if (found) return std::nullopt;  // which of them is ours nobody can tell
    found = std::string(pair.substr(equals + 1));
  }
  return found;
}

std::string set_cookie(std::string_view name, std::string_view value, SameSite same_site,
                       std::chrono::seconds lifetime) {
  return fmt::format("{}={}; Path=/; Max-Age={}; Secure; HttpOnly; SameSite={}", name, value, lifetime.count(),
                     same_site == SameSite::strict ? "Strict" : "Lax");
}

std::string clear_cookie(std::string_view name, SameSite same_site) {
  return set_cookie(name, "", same_site, std::chrono::seconds(0));
}

}  // namespace hubseal::agent::http
