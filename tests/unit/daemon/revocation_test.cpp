#include <boost/test/unit_test.hpp>

#include "common/files.h"
#include "tests/support/until.h"
#include "tests/unit/daemon/ocsp_room.h"

using namespace hubseal;
using namespace hubseal::daemon;
using std::chrono::hours;
using test::must;
using test::ocsp::Room;

namespace {

/// One look of the housekeeper: the newest list, once none is being made.
CrlRecord look(Room& room) {
  Revocation& revocation = room.revocation();
  BOOST_TEST((revocation.tick() <= std::chrono::minutes(1)));  // until the next look
  const auto being_made = [&] {
    const auto problems = revocation.problems();
    return problems.contains("hub-ca") && problems.at("hub-ca").find("still being made") != std::string::npos;
  };
  BOOST_REQUIRE(test::until([&] { return !being_made(); }));
  return must(revocation.latest("hub-ca"));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(revocation)

BOOST_AUTO_TEST_CASE(PKI_7_the_next_list_comes_within_a_day_and_a_day_before_the_last_one_ends) {
  Room room;
  CrlRecord last = look(room);
  for (int hour = 0; hour < 24 * 4; ++hour) {
    const CrlRecord crl = look(room);
    BOOST_TEST((crl.this_update > room.clock.time - hours(24)));
    BOOST_TEST((crl.next_update > room.clock.time + hours(24)));
    BOOST_TEST((crl.number == last.number || crl.this_update == last.this_update + hours(24)));
    BOOST_TEST((must(read_file(room.crl_file(), 1 << 20, Trust::any)) == as_text(crl.der)));
    last = crl;
    room.pass(hours(1));
  }
  BOOST_TEST(last.number == 4);
}

BOOST_AUTO_TEST_CASE(a_list_that_is_due_while_the_token_is_away_is_named_and_comes_at_the_first_look_after_it) {
  Room room;
  const CrlRecord before = look(room);
  room.token.gone = true;
  for (int hour = 0; hour < 30; ++hour) {
    BOOST_TEST(look(room).number == before.number);
    BOOST_TEST(room.revocation().problems().empty() == (hour < 24));
    room.pass(hours(1));
  }
  room.token.gone = false;
  BOOST_TEST((look(room).this_update == room.clock.time));
  BOOST_TEST(room.revocation().problems().empty());
}

BOOST_AUTO_TEST_SUITE_END()
