#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hubseal::agent {

/// What networks cover together, each address counted once however many of them it is in.
struct AddressWidth {
  std::uint64_t v4 = 0;           ///< addresses
  std::uint64_t v6_networks = 0;  ///< of 64 bits, the least that anybody is given
};

/// What all addresses of one participant may cover together: as much as one network of the widest that may be named.
constexpr AddressWidth kWidest = {.v4 = std::uint64_t{1} << 24, .v6_networks = std::uint64_t{1} << 48};

/// Of addresses that check(IpEntry) has passed.
AddressWidth width_of(const std::vector<std::string>& addresses);

/// Why they are too wide together; nothing when they are not.
std::optional<std::string> too_wide(const std::vector<std::string>& addresses);

}  // namespace hubseal::agent
