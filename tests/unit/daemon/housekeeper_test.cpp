#include "daemon/housekeeper.h"

#include <semaphore>
#include <stdexcept>

#include <boost/test/unit_test.hpp>

using namespace std::chrono_literals;
using hubseal::daemon::Housekeeper;

BOOST_AUTO_TEST_SUITE(housekeeper)

BOOST_AUTO_TEST_CASE(a_task_is_called_again_when_its_pause_is_over) {
  std::counting_semaphore<> calls(0);
  Housekeeper housekeeper;
  housekeeper.add("often", [&] {
    calls.release();
    return 1ms;
  });
  housekeeper.start();
  for (int i = 0; i < 5; ++i) calls.acquire();
}

BOOST_AUTO_TEST_CASE(waking_asks_a_task_that_is_not_due) {
  std::counting_semaphore<> calls(0);
  Housekeeper housekeeper;
  housekeeper.add("rarely", [&] {
    calls.release();
    return Housekeeper::Duration(24h);
  });
  housekeeper.start();
  calls.acquire();
  housekeeper.wake();
  calls.acquire();
}

BOOST_AUTO_TEST_CASE(a_task_that_throws_takes_nobody_with_it) {
  std::counting_semaphore<> calls(0);
  Housekeeper housekeeper;
  housekeeper.add("bad", []() -> Housekeeper::Duration { throw std::runtime_error("bad"); });
  housekeeper.add("good", [&] {
    calls.release();
    return 1ms;
  });
  housekeeper.start();
  calls.acquire();
  calls.acquire();
}

BOOST_AUTO_TEST_CASE(one_that_was_never_started_ends) {
  Housekeeper housekeeper;
  housekeeper.add("never", [] { return 1ms; });
}

BOOST_AUTO_TEST_SUITE_END()
