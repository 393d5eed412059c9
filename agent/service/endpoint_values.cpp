#include "agent/service/endpoint_values.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/log.h"
#include "common/number.h"

namespace hubseal::agent {
namespace {

constexpr std::uint16_t kMaxPort = 65535;
// No registry gives wider networks to anybody.
constexpr int kWidestV4 = 8;
constexpr int kWidestV6 = 16;

using Binary = std::array<unsigned char, sizeof(in6_addr)>;

/// In which all of IPv4 is once more, besides what ::/8 has of it (IPv4-mapped, 64:ff9b::/96, 64:ff9b:1::/48).
struct Network {
  Binary first;
  int prefix;
};
constexpr Network kSixToFour = {{0x20, 0x02}, 16};           // RFC 3056
constexpr Network kTeredo = {{0x20, 0x01, 0x00, 0x00}, 32};  // RFC 4380

/// Digits and nothing else: no sign, no space, no "0x", and no leading zero, which some read as octal.
std::optional<int> small_number(std::string_view text, std::uint16_t max) {
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return parse_number<std::uint16_t>(text, 0, max);
}

tl::unexpected<Error> refuse(std::string_view what, std::string_view found, std::string_view wanted) {
  return fail(Code::bad_request, fmt::format("{} is \"{}\"; wanted {}", what, log::printable(found, 80), wanted));
}

/// RFC 6890: loopback, link-local, multicast and what is reserved above it.
bool is_nobodys(const Binary& address, bool v4) {
  if (v4) return address[0] == 127 || address[0] >= 224 || (address[0] == 169 && address[1] == 254);
  return address[0] == 0xff || (address[0] == 0xfe && address[1] >= 0x80 && address[1] < 0xc0);
}

bool bit_of(const Binary& address, int bit) {
  return (address[static_cast<std::size_t>(bit / 8)] & 0x80U >> (bit % 8)) != 0;
}

/// Whether the network of `address` and `prefix` lies in the other or the other in it.
bool have_in_common(const Binary& address, int prefix, const Network& other) {
  for (int bit = 0; bit < std::min(prefix, other.prefix); ++bit)
    if (bit_of(address, bit) != bit_of(other.first, bit)) return false;
  return true;
}

Result<> check_address(const std::string& text) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::string host = text.substr(0, slash);
  Binary binary{};
  const bool v4 = ::inet_pton(AF_INET, host.c_str(), binary.data()) == 1;
  if (!v4 && ::inet_pton(AF_INET6, host.c_str(), binary.data()) != 1)
    return refuse("address", text, "an IP address or CIDR range such as 163.10.24.28/30");
  if (binary.front() == 0)
    return refuse("address", text, "an address of your own: none that begins with 0., and none of ::/8");
  if (is_nobodys(binary, v4))
    return refuse("address", text, "an address that others can reach: no loopback, link-local or multicast address");
  const int widest = v4 ? kWidestV4 : kWidestV6;
  const std::uint16_t longest = v4 ? 32 : 128;
  const auto prefix = slash == text.size() ? longest : small_number(std::string_view(text).substr(slash + 1), longest);
  if (!prefix || *prefix < widest)
    return refuse("address", text, fmt::format("a CIDR range with a prefix length of {} to {}", widest, longest));
  if (!v4 && (have_in_common(binary, *prefix, kSixToFour) || have_in_common(binary, *prefix, kTeredo)))
    return refuse("address", text, "an address that means none of IPv4: nothing of 2002::/16 and 2001::/32");
  for (int bit = *prefix; bit < longest; ++bit)
    if (bit_of(binary, bit)) return refuse("address", text, "a CIDR range whose bits behind the prefix are 0");
  return {};
}

Result<> check_port(const std::string& text) {
  const std::size_t dash = text.find('-');
  const auto first = small_number(std::string_view(text).substr(0, dash), kMaxPort);
  const auto last = dash == std::string::npos ? first : small_number(std::string_view(text).substr(dash + 1), kMaxPort);
  if (first && last && *first <= *last) return {};
  return refuse("a port", text, fmt::format("a number or an ascending range (8000-8080) of 0 to {}", kMaxPort));
}

bool may_stand_in_url(char c) {
  return c > ' ' && c < '\x7f' && std::string_view("\"<>\\^`{|}'").find(c) == std::string_view::npos;
}

bool is_host(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) {
    in6_addr binary{};
    return ::inet_pton(AF_INET6, std::string(text.substr(1, text.size() - 2)).c_str(), &binary) == 1;
  }
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

/// HOST or HOST:PORT.
bool is_authority(std::string_view text) {
  const std::size_t colon = text.find(':', text.starts_with('[') ? std::min(text.find(']'), text.size()) : 0);
  if (colon == std::string_view::npos) return is_host(text);
  return is_host(text.substr(0, colon)) && small_number(text.substr(colon + 1), kMaxPort).value_or(0) > 0;
}

}  // namespace

Result<> check(const IpEntry& entry) {
  TRY(check_address(entry.address));
  if (entry.ports.empty()) return fail(Code::bad_request, "ports is empty; wanted at least one port");
  for (const std::string& port : entry.ports) TRY(check_port(port));
  if (entry.description && std::any_of(entry.description->begin(), entry.description->end(),
                                       [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    return fail(Code::bad_request, "description holds control characters; wanted a line of text");
  return {};
}

Result<> check(const UrlEntry& entry) {
  std::string_view rest = entry.url;
  for (const std::string_view scheme : {"https://", "http://"})
    if (entry.url.starts_with(scheme)) rest.remove_prefix(scheme.size());
  const bool absolute = rest.size() < entry.url.size();
  if (absolute && entry.url.size() <= kMaxUrlBytes && std::all_of(rest.begin(), rest.end(), may_stand_in_url) &&
      is_authority(rest.substr(0, rest.find_first_of("/?#"))))
    return {};
  return refuse("url", entry.url,
                "an absolute http or https URL of printable ASCII, without a user's name, such as "
                "https://bank1.example:443/path");
}

Result<> check(const EndpointValue& value) {
  return std::visit([](const auto& entry) { return check(entry); }, value);
}

Json to_json(const IpEntry& entry) {
  Json value = {{"address", entry.address}, {"ports", entry.ports}};
  if (entry.description) value["description"] = *entry.description;
  return value;
}

Json to_json(const EndpointValue& value) {
  if (const auto* entry = std::get_if<IpEntry>(&value)) return to_json(*entry);
  return {{"url", std::get<UrlEntry>(value).url}};
}

}  // namespace hubseal::agent
