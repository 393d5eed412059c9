#include "common/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "common/unique_fd.h"

using namespace hubseal;

namespace {

/// What `speak` writes to stderr.
template <class Speak>
std::string captured(Speak speak) {
  int ends[2];
  BOOST_REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const UniqueFd read_end(ends[0]);
  const UniqueFd kept(::dup(STDERR_FILENO));
  ::dup2(ends[1], STDERR_FILENO);
  ::close(ends[1]);
  speak();
  ::dup2(kept.get(), STDERR_FILENO);
  char text[4096];
  const ssize_t size = ::read(read_end.get(), text, sizeof text);
  return std::string(text, static_cast<std::size_t>(size));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(log_)

BOOST_AUTO_TEST_CASE(what_a_peer_sends_cannot_start_a_line_or_colour_a_terminal) {
  BOOST_TEST(log::printable("a\nb\x1b[31m\"\\\xff") == "a\\x0ab\\x1b[31m\\\"\\\\\\xff");
  BOOST_TEST(log::printable("abcdef", 3) == "abc...");
}

BOOST_AUTO_TEST_CASE(an_event_is_one_line_with_its_fields) {
  const std::string line = captured([] {
    log::warning("stranger turned away", {{"uid", "7"}, {"path", "a b\nc"}, {"empty", ""}});
  });
  BOOST_TEST(line.ends_with("stranger turned away uid=7 path=\"a b\\x0ac\" empty=\"\"\n"), line);
  BOOST_TEST(std::count(line.begin(), line.end(), '\n') == 1);
}

BOOST_AUTO_TEST_SUITE_END()
