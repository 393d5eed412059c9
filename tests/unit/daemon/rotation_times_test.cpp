// When a step of a rotation comes by itself.
#include "tests/unit/daemon/rotation_line.h"

using namespace hubseal;
using namespace hubseal::test::rotations;

BOOST_FIXTURE_TEST_SUITE(rotation_times, Line)

BOOST_AUTO_TEST_CASE(with_times_every_step_comes_by_itself_and_not_sooner) {
  BOOST_TEST((begin("jws-2", kTimed).step == published));
  for (const auto& [after, to] : {std::pair(hours(48), activated), std::pair(hours(24), retired),
                                  std::pair(hours(168), withdrawn), std::pair(hours(32), ended)}) {
    BOOST_TEST((now().due_at == clock.now() + after));
    pass(after - hours(1));
    BOOST_TEST(due() == 0U);
    restart();
    pass(hours(1));
    BOOST_TEST(due() == 1U);
    step({to});
  }
  BOOST_TEST(!now().due_at);
  BOOST_TEST(due() == 0U);
}

BOOST_AUTO_TEST_CASE(without_times_only_the_overlap_ends_by_itself) {
  BOOST_TEST((begin("jws-2").step == prepared));
  for (const RotationStep to : {prepared, published, activated, retired, withdrawn}) {
    if (to != prepared) step({to});
    pass(hours(9000));
    BOOST_TEST(due() == (to == retired ? 1U : 0U), to_string(to));
  }
}

BOOST_AUTO_TEST_CASE(a_clock_that_was_set_ahead_hastens_nothing_nor_does_hubseald_that_did_not_run) {
  begin("jws-2", kTimed);
  clock.time += hours(1000);
  BOOST_TEST(due() == 0U);
  test::must(rotations->count_waiting(hours(47)));
  BOOST_TEST(due() == 0U);
  test::must(rotations->count_waiting(hours(1)));
  BOOST_TEST(due() == 1U);
  clock.time -= hours(1000);
  BOOST_TEST(due() == 0U);
}

BOOST_AUTO_TEST_CASE(a_step_that_was_made_while_the_clock_was_ahead_puts_nothing_off_for_longer_than_its_time) {
  clock.time += hours(90000);
  begin("jws-2");
  step({published, activated, retired});
  clock.time -= hours(90000);
  test::must(rotations->count_waiting(hours(1)));
  BOOST_TEST((now().due_at == clock.now() + hours(24)));
  pass(hours(23));
  BOOST_TEST(due() == 0U);
  pass(hours(1));
  BOOST_TEST(due() == 1U);
}

BOOST_AUTO_TEST_CASE(with_a_registry_of_an_older_time_all_waits_anew) {
  begin("jws-2", kTimed);
  pass(hours(48));
  BOOST_TEST(due() == 1U);
  test::must(rotations->wait_anew());
  restart();
  BOOST_TEST(due() == 0U);
  BOOST_TEST((now().wait == hours(48)));
  pass(hours(48));
  BOOST_TEST(due() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
