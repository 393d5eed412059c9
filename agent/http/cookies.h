#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace hubseal::agent::http {

// The prefix makes browsers take such a cookie from this host alone, over TLS alone (or from localhost), for all paths.
constexpr std::string_view kSessionCookie = "__Host-hubseal";
/// Of a login that has begun. Comes back from the provider's site with the browser, as a strict one would not.
constexpr std::string_view kLoginCookie = "__Host-hubseal-login";

enum class SameSite { strict, lax };

/// The value of a cookie in a Cookie header (RFC 6265 section 4.2). Nothing where it is missing or stands twice.
std::optional<std::string> find_cookie(std::string_view header, std::string_view name);

/// The value of a Set-Cookie header; `value` holds nothing that would have to be escaped. Scripts cannot read it.
std::string set_cookie(std::string_view name, std::string_view value, SameSite same_site,
                       std::chrono::seconds lifetime);
std::string clear_cookie(std::string_view name, SameSite same_site);

}  // namespace hubseal::agent::http
