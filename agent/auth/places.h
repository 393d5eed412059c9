#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <string>

#include "common/guarded.h"

namespace hubseal::agent::auth {

/// Places at something slow, shared out by holder: nobody has more than half of them, and while half are taken nobody
/// gets more than a quarter; one in any case. Of those that wait for a place the same holds, so that who asks without
/// end keeps no more threads than twice its share.
/// Threads: share it freely.
class Places {
 public:
  explicit Places(int total) : total_(total) {}

  /// One place, as long as it exists.
  class Place {
   public:
    /// Waits for a place no longer than `patience`.
    Place(Places& places, std::string holder, std::chrono::milliseconds patience = {});
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
  /// How many of `total` are held, and by whom.
  struct Held {
    int count = 0;
    std::map<std::string, int> by_holder = {};

    bool has_room(const std::string& holder, int total) const;
    void add(const std::string& holder);
    void remove(const std::string& holder);
  };
  struct Board {
    Held taken, waiting;
  };

  bool take(const std::string& holder, std::chrono::milliseconds patience);
  void give_back(const std::string& holder);

  const int total_;
  Guarded<Board> board_;
  std::condition_variable given_back_;
};

/// Whose place it is, of "192.0.2.1:4711" or "[2001:db8::1]:4711": an IPv4 address, or the /64 of IPv6 in which anybody
/// has as many addresses as they like.
std::string holder_of(const std::string& peer);

}  // namespace hubseal::agent::auth
