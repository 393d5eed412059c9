#include "agent/service/rounds.h"

#include <atomic>

#include <boost/test/unit_test.hpp>

#include "tests/support/until.h"

using hubseal::agent::Rounds;
using hubseal::test::until;

BOOST_AUTO_TEST_SUITE(rounds)

BOOST_AUTO_TEST_CASE(the_same_is_done_again_until_it_says_that_it_is_done) {
  std::atomic<int> done = 0;
  {
    const Rounds thrice(std::chrono::milliseconds(1), [&] { return ++done < 3; });
    BOOST_TEST(until([&] { return done == 3; }));
  }
  BOOST_TEST(done == 3);
}

// Nobody waits out the pause.
BOOST_AUTO_TEST_CASE(one_that_is_stopped_or_goes_begins_no_other_round) {
  std::atomic<int> done = 0;
  Rounds stopped(std::chrono::hours(1), [&] { return ++done != 0; });
  {
    const Rounds gone(std::chrono::hours(1), [&] { return ++done != 0; });
    BOOST_TEST(until([&] { return done == 2; }));
  }
  BOOST_TEST(!stopped.stopping());
  stopped.stop();
  BOOST_TEST(stopped.stopping());
  BOOST_TEST(done == 2);
}

BOOST_AUTO_TEST_SUITE_END()
