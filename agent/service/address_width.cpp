#include "agent/service/address_width.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "common/number.h"

namespace hubseal::agent {
namespace {

constexpr int kV6CountedBits = 64;

/// Of a network the first address, or the first 64 bits of it, and how many follow.
struct Range {
  std::uint64_t first, size;
};

std::uint64_t big_endian(const unsigned char* bytes, std::size_t count) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < count; ++i) number = number << 8 | bytes[i];
  return number;
}

Range range_of(const unsigned char* bytes, int prefix, int bits) {
  const int counted = std::min(prefix, bits);
  return {big_endian(bytes, static_cast<std::size_t>(bits / 8)), std::uint64_t{1} << (bits - counted)};
}

/// Networks never overlap half: of two, one holds the other, or they have nothing in common.
std::uint64_t total(std::vector<Range> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return a.first != b.first ? a.first < b.first : a.size > b.size; });
  std::uint64_t sum = 0, end = 0;
  for (const Range& range : ranges) {
    if (range.first < end) continue;
    sum += range.size;
    end = range.first + range.size;
  }
  return sum;
}

}  // namespace

AddressWidth width_of(const std::vector<std::string>& addresses) {
  std::vector<Range> v4, v6;
  for (const std::string& text : addresses) {
    const std::size_t slash = std::min(text.find('/'), text.size());
    const std::string host = text.substr(0, slash);
    const auto prefix = [&](int longest) {
      return slash == text.size() ? longest : parse_number<int>(std::string_view(text).substr(slash + 1)).value();
    };
    std::array<unsigned char, sizeof(in6_addr)> binary{};
    if (::inet_pton(AF_INET, host.c_str(), binary.data()) == 1)
      v4.push_back(range_of(binary.data(), prefix(32), 32));
    else if (::inet_pton(AF_INET6, host.c_str(), binary.data()) == 1)
      v6.push_back(range_of(binary.data(), prefix(128), kV6CountedBits));
  }
  return {total(std::move(v4)), total(std::move(v6))};
}

std::optional<std::string> too_wide(const std::vector<std::string>& addresses) {
  const auto [v4, v6] = width_of(addresses);
  if (v4 > kWidest.v4)
    return fmt::format("{} IPv4 addresses together; wanted at most {}, as many as a /8 has", v4, kWidest.v4);
  if (v6 > kWidest.v6_networks)
    return fmt::format("{} IPv6 networks of 64 bits together; wanted at most {}, as many as a /16 has", v6,
                       kWidest.v6_networks);
  return std::nullopt;
}

}  // namespace hubseal::agent
