#include "agent/http/chunks.h"

#include <optional>

#include <boost/test/unit_test.hpp>

using namespace hubseal::agent::http;
using State = Chunks::State;

namespace {

constexpr std::size_t kCap = 16;

struct Taken {
  State state = State::more;
  std::string body = {};
  std::size_t bytes = 0;  ///< taken until it was decided
};

Taken take(const std::string& text) {
  Taken taken;
  Chunks chunks(taken.body, kCap);
  while (taken.state == State::more && taken.bytes < text.size()) taken.state = chunks.take(text[taken.bytes++]);
  return taken;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(chunks)

BOOST_AUTO_TEST_CASE(chunks_become_one_body_and_nothing_behind_them_is_taken) {
  const std::string text = "5\r\nhello\r\n00a;name=\"v\"\r\n\r\n\xff the re\r\n0\r\nTrailer: x\r\n\r\n";
  const Taken taken = take(text + "GET / HTTP/1.1\r\n");
  BOOST_TEST((taken.state == State::complete));
  BOOST_TEST(taken.body == "hello\r\n\xff the re");
  BOOST_TEST(taken.bytes == text.size());
}

BOOST_AUTO_TEST_CASE(a_body_is_not_complete_before_its_last_byte) {
  const std::string text = "2\r\n{}\r\n0\r\nA: b\r\n\r\n";
  for (std::size_t bytes = 0; bytes < text.size(); ++bytes)
    BOOST_TEST((take(text.substr(0, bytes)).state == State::more), bytes);
  BOOST_TEST((take(text).state == State::complete));
}

BOOST_AUTO_TEST_CASE(a_body_above_the_cap_is_refused_before_it_is_taken) {
  BOOST_TEST((take("10\r\n0123456789abcdef\r\n0\r\n\r\n").state == State::complete));
  BOOST_TEST((take("11\r\n").state == State::too_large));
  BOOST_TEST((take("ffffffffffffffff\r\n").state == State::too_large));
  const Taken two = take("10\r\n0123456789abcdef\r\n1\r\n");
  BOOST_TEST((two.state == State::too_large));
  BOOST_TEST(two.body.size() == kCap);
}

BOOST_AUTO_TEST_CASE(whatever_could_be_read_in_two_ways_is_broken) {
  for (const char* text :
       {"\r\n", "x\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", " 1\r\n", "1 \r\n", ";a=b\r\n", "10000000000000000\r\n", "1\n",
        "1\r\r\n", "1;a\rb\r\n", "1\r\nab", "1\r\nab\r\n", "1\r\na\n", "0\r\n\n", "0\r\nA: b\n", "0\r\nA: \rb\r\n"}) {
    // Bytes are missing where the text is so far only unfinished: "1\r\nab" goes on with a line end.
    BOOST_TEST((take(std::string(text) + "\r\n").state == State::broken), text << " was taken");
  }
}

BOOST_AUTO_TEST_CASE(extensions_and_trailers_are_bounded) {
  BOOST_TEST((take("1;" + std::string(5000, 'x')).state == State::broken));
  std::string extensions;
  std::string trailers = "0\r\n";
  for (int i = 0; i < 10; ++i) {
    extensions += "1;" + std::string(2000, 'x') + "\r\na\r\n";
    trailers += "A: " + std::string(2000, 'x') + "\r\n";
  }
  BOOST_TEST((take(extensions).state == State::broken));
  BOOST_TEST((take(trailers).state == State::broken));
}

BOOST_AUTO_TEST_SUITE_END()
