#include "agent/auth/places.h"

#include <arpa/inet.h>

#include "common/bytes.h"

namespace hubseal::agent::auth {
namespace {

constexpr std::size_t kV6NetworkBytes = 8;

}  // namespace

std::string holder_of(const std::string& peer) {
  const std::string address = peer.substr(0, peer.rfind(':'));
  if (!address.starts_with('[') || !address.ends_with(']')) return address;
  in6_addr binary{};
  if (::inet_pton(AF_INET6, address.substr(1, address.size() - 2).c_str(), &binary) != 1) return address;
  if (IN6_IS_ADDR_V4MAPPED(&binary)) return address;
  return to_hex({binary.s6_addr, kV6NetworkBytes});
}

Places::Place::Place(Places& places, const std::string& peer)
    : places_(places), holder_(holder_of(peer)), taken_(places.take(holder_)) {}

Places::Place::~Place() {
  if (taken_) places_.give_back(holder_);
}

bool Places::take(const std::string& holder) {
  auto board = board_.lock();
  const auto found = board->by_holder.find(holder);
  const int own = found == board->by_holder.end() ? 0 : found->second;
  const int share = board->taken < total_ / 2 ? total_ / 2 : total_ / 4;
  if (board->taken >= total_ || own >= share) return false;
  ++board->taken;
  ++board->by_holder[holder];
  return true;
}

void Places::give_back(const std::string& holder) {
  auto board = board_.lock();
  --board->taken;
  if (--board->by_holder[holder] == 0) board->by_holder.erase(holder);
}

}  // namespace hubseal::agent::auth
