#pragma once

#include <map>
#include <string>

#include "common/guarded.h"

namespace hubseal::agent::auth {

/// Places at something slow, shared out by address: nobody has more than half of them, and while half are taken nobody
/// gets more than a quarter.
/// Threads: share it freely.
class Places {
 public:
  explicit Places(int total) : total_(total) {}

  /// One place, as long as it exists.
  class Place {
   public:
    Place(Places& places, const std::string& peer);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    bool taken() const { return taken_; }

   private:
    Places& places_;
    const std::string holder_;
    const bool taken_;
  };

 private:
  struct Board {
    int taken = 0;
    std::map<std::string, int> by_holder;
  };

  bool take(const std::string& holder);
  void give_back(const std::string& holder);

  const int total_;
  Guarded<Board> board_;
};

/// Whose place it is, of "192.0.2.1:4711" or "[2001:db8::1]:4711": an IPv4 address, or the /64 of IPv6 in which anybody
/// has as many addresses as they like.
std::string holder_of(const std::string& peer);

}  // namespace hubseal::agent::auth
