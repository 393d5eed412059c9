#include <boost/test/unit_test.hpp>

#include "cli/ceremony/fingerprint.h"
#include "cli/ceremony/script.h"
#include "cli/ceremony/transcript.h"
#include "tests/support/chained.h"

using namespace hubseal;
using namespace hubseal::cli;
using test::chained;

namespace {

constexpr char kHeader[] = "title = \"t\"\n";
constexpr char kKey[] = "[[step]]\ndo = \"create_key\"\nlabel = \"k\"\ntype = \"ec_p256\"\nuse = \"ca\"\n";
constexpr char kCa[] =
    "[[step]]\ndo = \"create_ca\"\nca = \"c\"\nkey = \"k\"\nprofile = \"p\"\nsubject = \"CN=c,O=o,C=KE\"\n";
constexpr char kConfirm[] = "[[step]]\ndo = \"confirm_backup\"\nkey = \"k\"\nevidence = \"safe\"\n";

std::string refusal_of(const std::string& text) {
  const auto script = read_script(text, "file");
  return script ? "" : script.error().message;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ceremony)

BOOST_AUTO_TEST_CASE(a_step_becomes_the_request_of_the_protocol) {
  const auto script = read_script(std::string(kHeader) + kKey + kCa, "file");
  BOOST_REQUIRE(script);
  BOOST_TEST(dump_json(script->steps[1].fields) ==
             R"({"ca":"c","key":"k","profile":"p","subject":{"common_name":"c","organization":"o","country":"KE"}})");
  BOOST_TEST(name_of(script->steps[0]) == "create_key k");
  BOOST_TEST(maker_of(*script, "k") == &script->steps[0]);
}

BOOST_AUTO_TEST_CASE(a_key_is_not_used_before_its_backup_is_confirmed) {
  const std::string gated = std::string(kHeader) + kKey + "backup_required = true\n";
  BOOST_TEST(refusal_of(gated + kConfirm + kCa) == "");
  BOOST_TEST(refusal_of(gated + kCa + kConfirm).find("step 2 (create_ca c)") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_file_says_nothing_twice_and_nothing_that_is_not_known) {
  BOOST_TEST(refusal_of(std::string(kHeader) + kKey + kKey).find("step 2") != std::string::npos);
  BOOST_TEST(refusal_of(std::string(kHeader) + kKey + "colour = 1\n").find("colour") != std::string::npos);
  BOOST_TEST(refusal_of(kHeader).find("[[step]]") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_transcript_has_each_line_in_its_place) {
  const auto script = read_script(std::string(kHeader) + kKey, "file");
  BOOST_REQUIRE(script);
  const Json begin = header_line(*script, {"i", "v", "t", "s"}, "2026-11-28T00:00:00Z", 0);
  const Json asked = asked_line(1, script->steps[0], {.records = 2, .uid = 0}, "2026-11-28T00:00:00Z");
  const Json done = done_line(1, script->steps[0], {{"label", "k"}}, 4, "2026-11-28T00:00:00Z");
  const TranscriptReading good = read_transcript(chained({begin, asked, done}));
  BOOST_REQUIRE(!good.fault);
  BOOST_TEST(good.transcript.done.at(0).record == 4u);
  BOOST_TEST(!good.transcript.ended);
  for (const std::vector<Json>& lines : {std::vector<Json>{asked},
                                         {begin, done},
                                         {begin, asked, done, done},
                                         {begin, asked, end_line()},
                                         {begin, begin}})
    BOOST_TEST(read_transcript(chained(lines)).fault.has_value());
}

BOOST_AUTO_TEST_CASE(a_fingerprint_is_read_out_in_groups) { BOOST_TEST(in_groups("0123456789") == "0123 4567 89"); }

BOOST_AUTO_TEST_SUITE_END()
