#include "agent/auth/wiped.h"

#include <algorithm>
#include <stdexcept>

#include <boost/test/unit_test.hpp>

using namespace hubseal::agent::auth;

namespace {

const std::string kShort = "short";  // stands in the string itself
const std::string kLong(100, 'x');   // stands on the heap

/// What was at `place`, where the memory is still somebody's.
bool is_overwritten(const char* place, std::size_t size) {
  return std::all_of(place, place + size, [](char c) { return c == '\0'; });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(wiped)

BOOST_AUTO_TEST_CASE(all_of_a_texts_memory_is_overwritten_also_what_it_was_shortened_by) {
  for (const std::string& secret : {kShort, kLong}) {
    std::string text = secret;
    text.resize(2);
    const char* const place = text.data();
    wipe(text);
    BOOST_TEST(text.empty());
    BOOST_TEST(is_overwritten(place, secret.size()));
  }
}

BOOST_AUTO_TEST_CASE(a_text_is_wiped_at_the_end_also_where_that_is_an_exception) {
  std::string text = kLong;
  const char* const place = text.data();
  try {
    const WipeAtEnd wiped(&text);
    throw std::runtime_error("the peer went away");
  } catch (const std::runtime_error&) {
    BOOST_TEST(is_overwritten(place, kLong.size()));
  }
  const WipeAtEnd nothing(nullptr);
}

BOOST_AUTO_TEST_CASE(moving_leaves_nothing_behind) {
  Wiped first(kShort);
  const char* const place = first.text().data();
  const Wiped second(std::move(first));
  BOOST_TEST(second.text() == kShort);
  BOOST_TEST(is_overwritten(place, kShort.size()));
}

BOOST_AUTO_TEST_CASE(parts_are_joined_in_one_piece) {
  const Wiped whole = Wiped::joined({"Bearer ", kLong, ""});
  BOOST_TEST(whole.text() == "Bearer " + kLong);
  BOOST_TEST(Wiped::joined({}).text() == "");
}

BOOST_AUTO_TEST_SUITE_END()
