#include "cli/advice.h"

#include <unistd.h>

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

BOOST_AUTO_TEST_CASE(advice_speaks_of_a_profile_only_when_the_message_names_one) {
  BOOST_TEST(advice_for({Code::policy_denied, "profile x: SAN y"}).find("named above") != std::string::npos);
  BOOST_TEST(advice_for({Code::policy_denied, "the name belongs to another"}).empty());
}

BOOST_AUTO_TEST_CASE(advice_goes_by_what_was_asked_for) {
  const std::pair<const char*, const char*> places[] = {
      {"approve", "approval list"},     {"remove_approver", "approver list"}, {"set_subject", "subject list"},
      {"retire_ca", "ca list"},         {"create_key", "key list"},           {"revoke_certificate", "cert list"},
      {"load_policy", "policy history"}};
  for (const auto& [operation, place] : places)
    for (const Code code : {Code::not_found, Code::conflict})
      BOOST_TEST(advice_for({code, "it"}, operation).find(place) != std::string::npos, operation);
  BOOST_TEST(advice_for({Code::bad_request, "x"}, "load_policy").find("policy check") != std::string::npos);
  BOOST_TEST(
      advice_for({Code::policy_denied, "unseal of hubseald was rejected (a-1), which"}, "unseal").find("--anew") !=
      std::string::npos);
  BOOST_TEST(advice_for({Code::forbidden, "uid 5 is no approver"}, "approve").find("approver list") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_daemons_operations_have_the_names_of_commands) {
  const std::tuple<Code, const char*, const char*, const char*> rows[] = {
      {Code::policy_denied, "participant bank1 is not in the register; it is entered with set_subject",
       "issue_certificate", "hubseal subject set bank1"},
      {Code::conflict,
       "participant bank1 is suspended; its certificates are put back by resume_subject and nothing else",
       "release_certificate", "hubseal subject resume bank1"},
      {Code::policy_denied,
       "CA \"a\" is valid until x and its lists need key \"hub-ca\" (suspend_key can be taken back; a key that",
       "deactivate_key", "hubseal key suspend hub-ca"},
      {Code::policy_denied, "CA \"a\" would never issue again. Wanted either the \"successor\" that", "retire_ca",
       "--successor"},
      {Code::policy_denied, "01 is the certificate of CA \"a\" itself, which no list of its own can revoke",
       "revoke_certificate", "key deactivate KEY --compromised"},
      {Code::not_found, "there is no approver \"nobody\"", "submit_approval", "hubseal approver list"},
      {Code::not_found, "there is no CA \"noca\"", "list_certificates", "hubseal ca list"},
      {Code::forbidden, "POST /transfers is no message that this peer may have signed", "sign_fspiop",
       "keys, sources and messages"},
      {Code::forbidden, "there is no ca key \"x\" that this peer may use", "create_ca", "--key-type"},
      {Code::policy_denied, "without \"alice\" 1 person could agree; policy asks for up to 2", "remove_approver",
       "add another approver first"},
      {Code::policy_denied, "PKI-9: profile x: bank1 has certificate 01 for these names, of y", "issue_certificate",
       "hubseal cert revoke"},
      {Code::bad_request, "output file copy: wanted an empty folder", "", "name a folder"},
      {Code::conflict, "PKI-5: cn x belongs to another participant than bank1", "issue_certificate", "subject list"},
      {Code::not_found, "/etc/hubseal/policy.toml: cannot be opened: Permission denied", "load_policy", "mode"}};
  for (const auto& [code, message, operation, words] : rows)
    BOOST_TEST(advice_for({code, message}, operation).find(words) != std::string::npos, message);
  BOOST_TEST(advice_for({Code::bad_request, "transcript x: cannot be opened to go on: Permission denied"}).empty());
}

BOOST_AUTO_TEST_CASE(a_file_on_this_side_is_not_the_daemons_disk) {
  for (const Code code : {Code::bad_request, Code::conflict})
    BOOST_TEST(advice_for({code, "output file /nope/x: its folder does not exist"}).find("folder") !=
               std::string::npos);
  BOOST_TEST(advice_for({Code::storage_unavailable, "registry"}).find("disk") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_waits_for_approval_is_named_with_what_to_do_next) {
  const std::string advice = advice_for({Code::approval_required, "needs 2 approvals", "a-17"});
  for (const char* words : {"hubseal approval show a-17", "hubseal approval approve a-17", "the same command again"})
    BOOST_TEST(advice.find(words) != std::string::npos, words);
}

BOOST_AUTO_TEST_CASE(a_ceremony_that_waits_goes_on_and_is_not_given_again) {
  const std::string advice = advice_for({Code::approval_required, "ceremony step 2 (confirm_backup k): ...", "a-17"});
  BOOST_TEST(advice.find("hubseal approval approve a-17") != std::string::npos);
  BOOST_TEST(advice.find("again") == std::string::npos);
  BOOST_TEST(advice_for({Code::hsm_busy, "ceremony, after its steps: no checkpoint"}).empty());
}

BOOST_AUTO_TEST_CASE(a_closed_connection_leads_to_the_peers_and_a_missing_socket_to_the_socket) {
  BOOST_TEST(advice_for({Code::hsm_unavailable, "hubseald is not reachable at /s"}).find("--socket") !=
             std::string::npos);
  const Error not_let_in{Code::forbidden,
                         "hubseald is not reachable at /s: Permission denied; is this user in the socket's group?"};
  BOOST_TEST(advice_for(not_let_in, "sign_fspiop").find("--socket") != std::string::npos);
  const Error turned_away{Code::forbidden, "hubseald at /s gave no answer: it closed the connection without a word"};
  BOOST_TEST(was_turned_away(turned_away));
  BOOST_TEST(!was_turned_away({Code::hsm_unavailable, "hubseald at /s gave no answer: it took too long"}));
  const std::string closed = advice_for(turned_away);
  BOOST_TEST(closed.find("uid " + std::to_string(::getuid())) != std::string::npos);
  BOOST_TEST(closed.find("[[peer]]") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
