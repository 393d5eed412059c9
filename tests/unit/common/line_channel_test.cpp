#include "common/wire/line_channel.h"

#include <sys/socket.h>

#include <thread>

#include <boost/test/unit_test.hpp>

#include "common/wire/limits.h"
#include "tests/support/must.h"

using namespace hubseal;
using namespace std::chrono_literals;
using hubseal::test::must;
using wire::LineChannel;

namespace {

/// Two ends of a connection: a channel and a bare descriptor.
struct Pair {
  Pair() {
    int ends[2];
    BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    channel.emplace(UniqueFd(ends[0]));
    peer = UniqueFd(ends[1]);
  }
  void send(std::string_view bytes) const {
    BOOST_REQUIRE(::send(peer.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
  }
  std::optional<LineChannel> channel;
  UniqueFd peer;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(line_channel, Pair)

BOOST_AUTO_TEST_CASE(lines_are_separated_however_they_arrive) {
  send("one\ntw");
  BOOST_TEST(must(channel->read_line(5s, 5s)).value() == "one");
  send("o\n\nthree\n");
  BOOST_TEST(must(channel->read_line(5s, 5s)).value() == "two");
  BOOST_TEST(must(channel->read_line(5s, 5s)).value().empty());
  BOOST_TEST(must(channel->read_line(5s, 5s)).value() == "three");
}

BOOST_AUTO_TEST_CASE(silence_between_lines_ends_the_conversation_and_in_a_line_is_a_mistake) {
  BOOST_TEST(!must(channel->read_line(1ms, 5s)).has_value());
  send("half");
  BOOST_TEST((channel->read_line(5s, 1ms).error().code == Code::bad_request));
}

BOOST_AUTO_TEST_CASE(the_end_between_lines_is_an_end_and_in_a_line_a_mistake) {
  send("whole\nhalf");
  ::shutdown(peer.get(), SHUT_WR);
  BOOST_TEST(must(channel->read_line(5s, 5s)).value() == "whole");
  BOOST_TEST((channel->read_line(5s, 5s).error().code == Code::bad_request));
}

BOOST_AUTO_TEST_CASE(a_line_of_exactly_the_cap_is_read_and_one_byte_more_is_not) {
  std::thread writer([this] {
    std::string line(wire::kMaxLineBytes, 'x');
    line += '\n';
    line.append(wire::kMaxLineBytes + 1, 'y');
    for (std::string_view left = line; !left.empty();) {
      const ssize_t put = ::send(peer.get(), left.data(), left.size(), MSG_NOSIGNAL);
      if (put < 0) break;
      left.remove_prefix(static_cast<std::size_t>(put));
    }
  });
  BOOST_TEST(must(channel->read_line(60s, 60s)).value().size() == wire::kMaxLineBytes);
  const auto second = channel->read_line(60s, 60s);
  channel.reset();
  writer.join();
  BOOST_REQUIRE(!second.has_value());
  BOOST_TEST((second.error().code == Code::too_large));
}

BOOST_AUTO_TEST_CASE(a_peer_that_does_not_read_is_given_up) {
  const auto written = channel->write_line(std::string(8 << 20, 'x'), 1ms);
  BOOST_TEST(!written.has_value());
}

BOOST_AUTO_TEST_CASE(a_channel_is_stale_once_the_peer_left_or_spoke_unasked) {
  BOOST_TEST(!channel->stale());
  send("?");
  BOOST_TEST(channel->stale());
  Pair other;
  other.peer = UniqueFd();
  BOOST_TEST(other.channel->stale());
}

BOOST_AUTO_TEST_SUITE_END()
