#include "cli/conformance/report.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "cli/conformance/gather.h"
#include "tests/support/must.h"
#include "tests/unit/cli/conformance_support.h"

using namespace hubseal;
using namespace hubseal::cli::conformance;
using test::good_installation;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(conformance_report)

BOOST_AUTO_TEST_CASE(the_worst_piece_of_evidence_decides) {
  Finding finding;
  BOOST_TEST((finding.verdict() == Verdict::not_applicable));
  finding.note("n");
  BOOST_TEST((finding.verdict() == Verdict::not_applicable));
  finding.good("g");
  BOOST_TEST((finding.verdict() == Verdict::met));
  finding.unseen("u", Error{Code::hsm_unavailable, "gone", {}});
  BOOST_TEST((finding.verdict() == Verdict::unknown));
  BOOST_TEST(finding.evidence().back().text == "u: gone");
  finding.lacking("l");
  BOOST_TEST((finding.verdict() == Verdict::partly));
  finding.bad("b");
  BOOST_TEST((finding.verdict() == Verdict::not_met));
  Finding alone;
  alone.lacking("l");
  BOOST_TEST((alone.verdict() == Verdict::not_met));
}

BOOST_AUTO_TEST_CASE(the_report_counts_its_clauses_and_conforms_only_when_all_do) {
  Report report = judge(good_installation());
  const Json json = to_json(report);
  std::size_t sum = 0;
  for (const auto& [verdict, count] : json["summary"].items()) sum += count.get<std::size_t>();
  BOOST_TEST(sum == report.clauses.size());
  BOOST_TEST(!report.conforms());
  BOOST_TEST(json["conforms"] == false);
  std::erase_if(report.clauses, [](const Judged& judged) {
    return judged.finding.verdict() != Verdict::met && judged.finding.verdict() != Verdict::not_applicable;
  });
  BOOST_TEST(report.conforms());
}

BOOST_AUTO_TEST_CASE(every_form_says_what_it_reports_on) {
  const Report report = judge(good_installation());
  for (const std::string& form : {to_text(report), to_json(report).dump(), to_html(report)})
    for (const char* part : {"2026-11-24T10:00:00Z", "hubseal/5f0c", "0.1.0", "9b0d", "PKI-1", "RSA-4096"})
      BOOST_TEST(has(form, part), part);
}

BOOST_AUTO_TEST_CASE(text_lines_are_not_endless_and_steer_no_terminal) {
  Installation found = good_installation();
  found.authorities->front().name = "x\x1b[2J";
  std::istringstream lines(to_text(judge(found)));
  for (std::string line; std::getline(lines, line);) {
    BOOST_TEST(line.find('\x1b') == std::string::npos);
    BOOST_TEST(line.size() < 160u, line);
  }
}

BOOST_AUTO_TEST_CASE(the_page_escapes_what_it_shows_and_allows_nothing_but_its_own_style) {
  Installation found = good_installation();
  found.authorities->front().name = "<script>alert('1')</script>\" & more";
  const std::string page = to_html(judge(found));
  BOOST_TEST(page.starts_with(kPageStart));
  BOOST_TEST(!has(page, "<script"));
  BOOST_TEST(has(page, "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot; &amp; more"));
  BOOST_TEST(has(page, "default-src 'none'; style-src 'sha256-"));
  BOOST_TEST(!has(page, "unsafe-inline"));
}

BOOST_AUTO_TEST_CASE(the_shipped_policy_is_read_as_it_is) {
  Json files = Json::array();
  for (const char* name : {"policy.toml", "profiles/dfsp-client.toml", "profiles/hub-root.toml"})
    files.push_back({{"name", name}, {"text", test::source_file(std::string("config/") + name)}});
  const Policy policy = test::must(read_policy({{"files", files}}));
  BOOST_TEST(policy.register_mode == "closed");
  BOOST_TEST(policy.approvals_needed.at("change_approvers") == 2);
  BOOST_TEST(policy.profiles.size() == 2u);
  const Profile* client = policy.find("dfsp-client");
  BOOST_REQUIRE(client);
  BOOST_TEST(client->validity_days == 730);
  BOOST_TEST(client->renew_from_days == 547);
  BOOST_TEST(client->crl_urls.empty());
  BOOST_TEST(client->required.contains("organization"));
  BOOST_TEST(!policy.find("nobody"));
}

BOOST_AUTO_TEST_CASE(what_is_no_list_and_no_answer_is_refused) {
  const x509::Certificate& ca = test::good_ca().issuer->certificate();
  const Bytes garbage = {0x30, 0x00};
  BOOST_TEST(!read_crl(garbage, ca).has_value());
  const OcspQuestion question = test::must(OcspQuestion::about(ca.serial(), ca));
  BOOST_TEST(!question.read(garbage, ca).has_value());
  const Bytes try_later = {0x30, 0x03, 0x0a, 0x01, 0x03};
  const auto said = question.read(try_later, ca);
  BOOST_REQUIRE(!said.has_value());
  BOOST_TEST(said.error().message == "the responder says trylater");
}

BOOST_AUTO_TEST_SUITE_END()
