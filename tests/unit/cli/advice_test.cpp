#include "cli/advice.h"

#include <boost/test/unit_test.hpp>

#include "common/exit_code.h"

using namespace hubseal;
using namespace hubseal::cli;

BOOST_AUTO_TEST_SUITE(advice)

// The table of docs/PROTOCOL.md, "Errors": scripts depend on these numbers.
BOOST_AUTO_TEST_CASE(each_error_of_the_protocol_has_the_exit_status_of_the_protocol) {
  const std::pair<Code, int> rows[] = {
      {Code::bad_request, 2},  {Code::too_large, 2},       {Code::forbidden, 3},           {Code::not_found, 3},
      {Code::conflict, 3},     {Code::policy_denied, 3},   {Code::approval_required, 5},   {Code::hsm_busy, 4},
      {Code::rate_limited, 4}, {Code::hsm_unavailable, 4}, {Code::storage_unavailable, 4}, {Code::internal, 1},
  };
  for (const auto& [code, status] : rows) BOOST_TEST(static_cast<int>(exit_code_of(code)) == status, to_string(code));
}

BOOST_AUTO_TEST_CASE(a_daemon_that_is_away_leads_to_systemctl) {
  BOOST_TEST(advice_for(Code::hsm_unavailable).find("systemctl status hubseald") != std::string_view::npos);
}

BOOST_AUTO_TEST_SUITE_END()
