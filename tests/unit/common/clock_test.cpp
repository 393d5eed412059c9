#include "common/clock.h"

#include <boost/test/unit_test.hpp>

using namespace hubseal;

BOOST_AUTO_TEST_SUITE(clock_)

// date -u -d @1790000000 +%FT%TZ
BOOST_AUTO_TEST_CASE(times_go_both_ways_as_date_writes_them) {
  const TimePoint time{std::chrono::seconds(1'790'000'000)};
  BOOST_TEST(format_utc(time) == "2026-09-21T14:13:20Z");
  BOOST_TEST((parse_utc("2026-09-21T14:13:20Z").value() == time));
  BOOST_TEST((parse_utc("1970-01-01T00:00:00Z").value() == TimePoint{}));
  BOOST_TEST(format_utc(parse_utc("2028-02-29T23:59:59Z").value()) == "2028-02-29T23:59:59Z");
}

BOOST_AUTO_TEST_CASE(what_is_not_exactly_such_a_time_is_refused) {
  for (const char* bad : {"", "2026-09-21", "2026-09-21T14:13:20", "2026-09-21T14:13:20+00:00", "2026-09-21 14:13:20Z",
                          "2026-02-30T00:00:00Z", "2026-9-21T14:13:20Z", "2026-09-21T24:00:00Z",
                          "2026-09-21T14:13:20Zx", "2026-09-21T14:13:20.0Z"})
    BOOST_TEST(!parse_utc(bad).has_value(), bad << " was accepted");
}

BOOST_AUTO_TEST_SUITE_END()
