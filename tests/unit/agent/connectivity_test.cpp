#include "agent/service/connectivity.h"

#include <boost/test/unit_test.hpp>

using namespace hubseal::agent;

BOOST_AUTO_TEST_SUITE(connectivity)

BOOST_AUTO_TEST_CASE(times_of_rfc_3339_are_times) {
  for (const char* text : {"1970-01-01T00:00:00.000Z", "2026-11-30T08:00:00Z", "2026-11-30T08:00:00.1z",
                           "2026-11-30T08:00:00+03:00", "2026-11-30T08:00:00.123456789-11:30"})
    BOOST_TEST(is_date_time(text), text);
}

BOOST_AUTO_TEST_CASE(other_texts_are_none) {
  for (const char* text :
       {"", "Z", "2026-11-30", "2026-11-30T08:00:00", "2026-11-30T08:00:00.", "2026-11-30T08:00:00.Z",
        "2026-11-30 08:00:00Z", "2026-02-30T08:00:00Z", "2026-11-30T25:00:00Z", "2026-11-30T08:00:00+3:00",
        "2026-11-30T08:00:00+0300", "2026-11-30T08:00:00ZZ", "2026-11-30T08:00:00.1234567890123456789012345Z"})
    BOOST_TEST(!is_date_time(text), text);
}

BOOST_AUTO_TEST_SUITE_END()
