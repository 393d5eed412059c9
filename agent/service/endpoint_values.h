/// What endpoints may say: addresses with ports, URLs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/json.h"
#include "common/result.h"

namespace hubseal::agent {

/// An address or a network, and the ports that are used there.
struct IpEntry {
  std::string address;
  std::vector<std::string> ports;  ///< "443" or "8000-8080"
  std::optional<std::string> description = {};
};

struct UrlEntry {
  std::string url;
};

using EndpointValue = std::variant<IpEntry, UrlEntry>;

constexpr std::size_t kMaxUrlBytes = 1024;

/// Errors: bad_request. An address is IPv4 or IPv6, with or without a prefix length. Networks wider than any
/// participant's are refused (IPv4 /8, IPv6 /16), and with them all that would open a filter to everybody: no prefix
/// of 0, no address that begins with a byte of 0 (0.0.0.0, ::, IPv4 inside IPv6), nothing of 2002::/16 and 2001::/32.
/// At least one port; a range ascends.
Result<> check(const IpEntry& entry);
/// Errors: bad_request. Wanted is an absolute http or https URL without a user's name, of printable ASCII.
Result<> check(const UrlEntry& entry);
Result<> check(const EndpointValue& value);

/// As clients know it; equal values give equal texts.
Json to_json(const IpEntry& entry);
Json to_json(const EndpointValue& value);

}  // namespace hubseal::agent
