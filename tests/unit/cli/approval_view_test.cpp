#include "cli/approval_view.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "common/bytes.h"
#include "common/key_types.h"
#include "tests/support/must.h"

using namespace hubseal;
using namespace hubseal::cli;

namespace {

/// A get_approval answer as the daemon gives it.
Json example() {
  const std::string content =
      R"({"ca":"hub-ca","distinguished_name":"CN=bank1,O=Bank One Ltd","dns":["a.example","b.example"],"ip":[],)"
      R"("csr":"-----BEGIN\nMII\n-----END\n"})";
  return {{"approval", "a-17"},
          {"state", "pending"},
          {"operation", "issue_certificate"},
          {"about", "bank1"},
          {"requester", {{"peer", "agent"}, {"uid", 997}}},
          {"needed", 2},
          {"agreed", 1},
          {"policy_version", 3},
          {"created_at", "2026-11-24T09:00:00Z"},
          {"expires_at", "2026-11-27T09:00:00Z"},
          {"votes",
           {{{"approver", "bob"},
             {"person", "bob"},
             {"kind", "uid"},
             {"decision", "approve"},
             {"at", "2026-11-24T10:00:00Z"},
             {"counts", false}}}},
          {"content", content},
          {"statement",
           "hubseal-approval/v1\ninstance: 5f\napproval: a-17\ndecision: approve\noperation: issue_certificate\nabout: "
           "bank1\ncontent-sha256: " +
               to_hex(sha256(as_bytes(content))) +
               "\npolicy-version: 3\nrequester: agent uid 997\nexpires: 2026-11-27T09:00:00Z\nnonce: 8d\n"}};
}

void shows(const std::string& text, const std::string& line) {
  BOOST_TEST(text.find(line + "\n") != std::string::npos, "no line \"" << line << "\" in\n" << text);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(approval_view)

BOOST_AUTO_TEST_CASE(a_statement_about_something_else_is_refused) {
  BOOST_TEST(check_statement(example()).has_value());
  const std::pair<const char*, Json> lies[] = {{"approval", "a-18"},
                                               {"operation", "create_ca"},
                                               {"about", "bank2"},
                                               {"policy_version", 4},
                                               {"content", R"({"ca":"x"})"},
                                               {"requester", {{"peer", "agent"}, {"uid", 0}}},
                                               {"expires_at", "2027-11-27T09:00:00Z"},
                                               {"statement", ""}};
  for (const auto& [member, value] : lies) {
    Json approval = example();
    approval[member] = value;
    const auto refused = check_statement(approval);
    BOOST_REQUIRE_MESSAGE(!refused.has_value(), member);
    BOOST_TEST(refused.error().message.find("Do not sign it") != std::string::npos);
    BOOST_TEST(!render_approval(approval).has_value());
  }
}

BOOST_AUTO_TEST_CASE(why_a_request_ended_without_a_vote_is_shown) {
  Json approval = example();
  approval.update({{"state", "rejected"}, {"reason", "participant bank1 is off_boarded"}});
  shows(test::must(render_approval(approval)),
        "state      rejected (participant bank1 is off_boarded), 1 of 2 have agreed");
}

BOOST_AUTO_TEST_CASE(without_a_certificate_before_it_all_is_shown_as_it_is) {
  const std::string text = test::must(render_approval(example()));
  shows(text, "state      pending, 1 of 2 have agreed");
  shows(text, "asked by   agent (uid 997)");
  shows(text, "What will be done:");
  shows(text, "    dns                 a.example, b.example");
  shows(text, "    ip                  none");
  shows(text, "    csr                 -----BEGIN");
  shows(text, "                        -----END");
  shows(text, "  nonce: 8d");
  BOOST_TEST(text.find("no longer counts") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_members_of_an_object_stand_below_each_other_as_json_writes_them) {
  Json approval = example();
  const std::string content = R"({"files":{"policy.toml":"65e5","profiles/\nx":"6b3e"}})";
  std::string statement = approval["statement"];
  const std::string old = to_hex(sha256(as_bytes(approval["content"].get<std::string>())));
  statement.replace(statement.find(old), old.size(), to_hex(sha256(as_bytes(content))));
  approval.update({{"content", content}, {"statement", statement}});
  const std::string text = test::must(render_approval(approval));
  shows(text, "    files  \"policy.toml\": \"65e5\"");
  shows(text, "           \"profiles/\\nx\": \"6b3e\"");
}

BOOST_AUTO_TEST_CASE(what_changes_against_the_certificate_before_is_marked) {
  Json approval = example();
  approval["previous"] = {{"ca", "hub-ca"},
                          {"distinguished_name", "CN=bank1,O=Bank One"},
                          {"dns", {"a.example"}},
                          {"ip", Json::array()},
                          {"serial", "4f1c"},
                          {"not_before", "2024-11-24T09:00:00Z"},
                          {"not_after", "2026-11-24T09:00:00Z"}};
  const std::string text = test::must(render_approval(approval));
  shows(text,
        "What will be done, against the participant's certificate 4f1c, valid 2024-11-24T09:00:00Z to "
        "2026-11-24T09:00:00Z:");
  shows(text, "    ca                  hub-ca");
  shows(text, "  - distinguished_name  CN=bank1,O=Bank One");
  shows(text, "  + distinguished_name  CN=bank1,O=Bank One Ltd");
  shows(text, "  - dns                 a.example");
  shows(text, "  + dns                 a.example, b.example");
  shows(text, "    ip                  none");
  shows(text, "  + csr                 -----BEGIN");
}

BOOST_AUTO_TEST_CASE(nothing_that_is_shown_steers_a_terminal) {
  Json approval = example();
  const std::string content = R"({"distinguished_name":"CN=\u001b[2J"})";
  std::string statement = approval["statement"];
  const std::string hash = to_hex(sha256(as_bytes(approval["content"].get<std::string>())));
  statement.replace(statement.find(hash), hash.size(), to_hex(sha256(as_bytes(content))));
  approval["content"] = content;
  approval["statement"] = statement + "\x1b]0;\n";
  const std::string text = test::must(render_approval(approval));
  BOOST_TEST(text.find('\x1b') == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
