#include "agent/http/errors.h"

#include <boost/test/unit_test.hpp>

using namespace hubseal;
using namespace hubseal::agent::http;

namespace {

Answer answer_for(Code code) { return service_error(Problem({code, "found x, wanted y"}), "c0ffee"); }

}  // namespace

BOOST_AUTO_TEST_SUITE(errors)

BOOST_AUTO_TEST_CASE(each_code_has_its_status) {
  const std::pair<Code, int> table[] = {{Code::bad_request, 400},     {Code::too_large, 413},
                                        {Code::forbidden, 403},       {Code::not_found, 404},
                                        {Code::conflict, 409},        {Code::policy_denied, 400},
                                        {Code::hsm_busy, 503},        {Code::rate_limited, 429},
                                        {Code::hsm_unavailable, 503}, {Code::storage_unavailable, 503},
                                        {Code::internal, 500},        {Code::approval_required, 409},
                                        {Code::sealed, 503}};
  for (const auto& [code, status] : table) BOOST_TEST(answer_for(code).status == status, to_string(code));
}

BOOST_AUTO_TEST_CASE(what_is_temporary_says_when_to_come_back) {
  for (const Code code :
       {Code::hsm_busy, Code::rate_limited, Code::hsm_unavailable, Code::storage_unavailable, Code::sealed})
    BOOST_TEST(answer_for(code).retry_after_seconds.has_value(), to_string(code));
  BOOST_TEST(!answer_for(Code::conflict).retry_after_seconds.has_value());
}

BOOST_AUTO_TEST_CASE(a_refusal_by_policy_keeps_the_daemons_words) {
  const Json body = parse_json(answer_for(Code::policy_denied).body).value();
  BOOST_TEST(body["payload"]["id"] == "ValidationError");
  BOOST_TEST(body["payload"]["code"] == "policy_denied");
  BOOST_TEST(body["payload"]["message"] == "found x, wanted y");
  BOOST_TEST(body["message"] == "found x, wanted y");
  BOOST_TEST(body["correlationId"] == "c0ffee");
}

BOOST_AUTO_TEST_CASE(this_hosts_own_troubles_keep_their_words_for_the_log) {
  for (const Code code : {Code::internal, Code::hsm_unavailable, Code::storage_unavailable, Code::hsm_busy}) {
    const Answer answer = answer_for(code);
    BOOST_TEST(answer.body.find("found x") == std::string::npos, to_string(code));
    BOOST_TEST(answer.body.find("c0ffee") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_cause_stands_in_validation_errors) {
  const Answer answer = service_error(Problem({Code::bad_request, "Could not parse"}, "Invalid CSR"), "c");
  const Json body = parse_json(answer.body, {.max_depth = 8}).value();
  BOOST_TEST(body["payload"]["validationErrors"]["payload"]["message"] == "Invalid CSR");
}

BOOST_AUTO_TEST_SUITE_END()
