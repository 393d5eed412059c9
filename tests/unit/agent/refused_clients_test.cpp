#include "agent/http/refused_clients.h"

#include <boost/test/unit_test.hpp>

using hubseal::agent::http::RefusedClients;

BOOST_AUTO_TEST_SUITE(refused_clients)

BOOST_AUTO_TEST_CASE(a_flood_of_refusals_is_few_lines_and_the_next_minute_says_how_many_were_left_out) {
  RefusedClients clients;
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < RefusedClients::kLinesPerMinute; ++i) {
    const auto turn = clients.take(begin);
    BOOST_TEST(turn.line);
    BOOST_TEST(turn.left_out == 0U);
  }
  for (int i = 0; i < 7; ++i) BOOST_TEST(!clients.take(begin + std::chrono::seconds(59)).line);
  const auto next = clients.take(begin + std::chrono::minutes(1));
  BOOST_TEST(next.line);
  BOOST_TEST(next.left_out == 7U);
  BOOST_TEST(clients.take(begin + std::chrono::minutes(1)).left_out == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
