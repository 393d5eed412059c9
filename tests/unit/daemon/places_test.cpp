#include "daemon/places.h"

#include <boost/test/unit_test.hpp>

using namespace hubseal::daemon;

namespace {

constexpr uid_t kFlooder = 1000, kOther = 1001, kThird = 1002;

/// How many more places the uid gets.
unsigned fill(Places& places, uid_t uid) {
  unsigned entered = 0;
  while (entered < 5000 && places.enter(uid)) ++entered;
  return entered;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(places)

BOOST_AUTO_TEST_CASE(one_uid_leaves_an_eighth_to_the_others) {
  Places places(64);
  BOOST_TEST(fill(places, kFlooder) == 56U);
  BOOST_TEST(places.enter(kOther));
  BOOST_TEST(!places.enter(kFlooder));
  BOOST_TEST(fill(places, kOther) == 7U);
  BOOST_TEST(!places.enter(kThird));  // no more than there are
}

BOOST_AUTO_TEST_CASE(what_is_given_back_is_there_again) {
  Places places(64);
  fill(places, kFlooder);
  fill(places, kOther);
  places.leave(kOther);
  BOOST_TEST(!places.enter(kFlooder));
  BOOST_TEST(places.enter(kThird));
  for (int i = 0; i < 9; ++i) places.leave(kFlooder);
  BOOST_TEST(fill(places, kFlooder) == 1U);
}

BOOST_AUTO_TEST_CASE(who_holds_few_gets_what_is_kept_and_nobody_more) {
  Places places(64);
  BOOST_TEST(fill(places, kOther) == 56U);
  for (int i = 0; i < 49; ++i) places.leave(kOther);  // seven are left
  BOOST_TEST(fill(places, kFlooder) == 49U);
  BOOST_TEST(places.enter(kOther));
  BOOST_TEST(!places.enter(kOther));  // holds an eighth now
  BOOST_TEST(places.enter(kThird));
}

BOOST_AUTO_TEST_CASE(small_sockets_keep_two_and_never_more_than_half) {
  for (const auto& [most, alone] : {std::pair{1U, 1U}, {2U, 1U}, {3U, 2U}, {4U, 2U}, {8U, 6U}, {24U, 21U}}) {
    Places socket(most);
    BOOST_TEST(fill(socket, kFlooder) == alone);
    BOOST_TEST(socket.enter(kOther) == (most > alone));
  }
}

BOOST_AUTO_TEST_SUITE_END()
