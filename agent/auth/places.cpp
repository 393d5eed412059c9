#include "agent/auth/places.h"

#include <arpa/inet.h>

#include <algorithm>

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

Places::Place::Place(Places& places, std::string holder, std::chrono::milliseconds patience)
    : places_(places), holder_(std::move(holder)), taken_(places.take(holder_, patience)) {}

Places::Place::~Place() {
  if (taken_) places_.give_back(holder_);
}

bool Places::Held::has_room(const std::string& holder, int total) const {
  const auto found = by_holder.find(holder);
  const int own = found == by_holder.end() ? 0 : found->second;
  const int share = count < total / 2 ? total / 2 : total / 4;
  return count < total && own < std::max(share, 1);
}

void Places::Held::add(const std::string& holder) {
  ++count;
  ++by_holder[holder];
}

void Places::Held::remove(const std::string& holder) {
  --count;
  if (--by_holder[holder] == 0) by_holder.erase(holder);
}

bool Places::take(const std::string& holder, std::chrono::milliseconds patience) {
  auto board = board_.lock();
  const auto has_room = [&] { return board->taken.has_room(holder, total_); };
  if (!has_room()) {
    if (patience.count() == 0 || !board->waiting.has_room(holder, total_)) return false;
    board->waiting.add(holder);
    const bool free = board.wait_until(given_back_, std::chrono::steady_clock::now() + patience, has_room);
    board->waiting.remove(holder);
    if (!free) return false;
  }
  board->taken.add(holder);
  return true;
}

void Places::give_back(const std::string& holder) {
  board_.lock()->taken.remove(holder);
  given_back_.notify_all();
}

}  // namespace hubseal::agent::auth
