#include "agent/auth/call_watch.h"

#include <sys/socket.h>

#include <array>
#include <system_error>
#include <thread>

#include <boost/test/unit_test.hpp>

using namespace hubseal;
using namespace hubseal::agent::auth;
using namespace std::chrono_literals;

namespace {

/// A peer that sends a byte now and then for as long as it is listened to.
class Dripping {
 public:
  Dripping() {
    std::array<int, 2> ends{};
    BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
    ours_ = UniqueFd(ends[0]);
    theirs_ = UniqueFd(ends[1]);
    thread_ = std::thread([this] {
      while (::send(theirs_.get(), "x", 1, MSG_NOSIGNAL) == 1) std::this_thread::sleep_for(5ms);
    });
  }
  ~Dripping() { thread_.join(); }

  int fd() const { return ours_.get(); }
  void read_to_the_end() const {
    char byte = 0;
    while (::recv(ours_.get(), &byte, 1, 0) == 1) continue;
  }
  /// Takes what has come in; false at the end.
  bool drain() const {
    std::array<char, 4096> bytes{};
    ssize_t got = 0;
    while ((got = ::recv(ours_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT)) > 0) continue;
    return got != 0;
  }

 private:
  UniqueFd ours_, theirs_;
  std::thread thread_;
};

auto now() { return std::chrono::steady_clock::now(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(call_watch)

BOOST_AUTO_TEST_CASE(a_call_ends_at_its_deadline_however_much_still_comes_in) {
  CallWatch watch;
  const Dripping peer;
  const auto begin = now();
  const CallWatch::Call call(watch, peer.fd(), begin + 200ms);
  peer.read_to_the_end();
  BOOST_TEST(call.ended());
  BOOST_TEST((now() - begin >= 200ms));
}

BOOST_AUTO_TEST_CASE(a_stop_ends_the_calls_of_now_and_those_that_follow) {
  CallWatch watch;
  std::thread stopping([&] {
    std::this_thread::sleep_for(50ms);
    watch.stop();
  });
  for (int i = 0; i < 3; ++i) {
    const Dripping peer;
    const CallWatch::Call call(watch, peer.fd(), now() + 1h);
    peer.read_to_the_end();
    BOOST_TEST(call.ended());
  }
  stopping.join();
}

BOOST_AUTO_TEST_CASE(a_call_that_is_over_in_time_is_left_alone) {
  CallWatch watch;
  const Dripping peer;
  {
    const CallWatch::Call call(watch, peer.fd(), now() + 500ms);
    BOOST_TEST(!call.ended());
  }
  // The watch has looked at what is due since then, when it has ended a call that is due later.
  const Dripping later;
  const CallWatch::Call call(watch, later.fd(), now() + 600ms);
  later.read_to_the_end();
  // What came in before says nothing.
  BOOST_TEST(peer.drain());
  char byte = 0;
  BOOST_TEST(::recv(peer.fd(), &byte, 1, 0) == 1);
  ::shutdown(peer.fd(), SHUT_RDWR);
}

BOOST_AUTO_TEST_CASE(a_call_that_nobody_could_end_is_not_begun) {
  CallWatch watch;
  BOOST_CHECK_THROW(CallWatch::Call(watch, -1, now() + 1h), std::system_error);
}

BOOST_AUTO_TEST_SUITE_END()
