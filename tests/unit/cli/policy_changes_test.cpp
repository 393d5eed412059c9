#include "cli/policy_changes.h"

#include <fmt/format.h>
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "common/bytes.h"
#include "common/key_types.h"
#include "tests/support/must.h"

using namespace hubseal;
using namespace hubseal::cli;

namespace {

std::string hash(const std::string& text) { return to_hex(sha256(as_bytes(text))); }

/// Of policy.toml a line changes, one profile stays, one goes and one comes.
struct Request {
  Request() {
    for (int line = 1; line <= 20; ++line) before += fmt::format("key_{} = {}\n", line, line);
    after = before;
    after.replace(after.find("key_9 = 9"), 9, "key_9 = 0");
    files = {{{"name", "policy.toml"},
              {"before_sha256", hash(before)},
              {"sha256", hash(after)},
              {"before", before},
              {"text", after}},
             {{"name", "profiles/a.toml"}, {"before_sha256", hash("a\n")}, {"sha256", hash("a\n")}},
             {{"name", "profiles/b.toml"}, {"before_sha256", hash("b\n")}, {"before", "b\n"}},
             {{"name", "profiles/c.toml"}, {"sha256", hash("c\n")}, {"text", "c\n"}}};
    content = {
        {"files", {{"policy.toml", hash(after)}, {"profiles/a.toml", hash("a\n")}, {"profiles/c.toml", hash("c\n")}}},
        {"replaces",
         {{"version", 3},
          {"sha256", hash(fmt::format("{}  policy.toml\n{}  profiles/a.toml\n{}  profiles/b.toml\n", hash(before),
                                      hash("a\n"), hash("b\n")))}}}};
  }
  bool refused() const {
    const auto text = render_policy_changes(content, files);
    return !text && text.error().message.find("Do not sign it") != std::string::npos;
  }

  std::string before, after;
  Json files, content;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(policy_changes, Request)

BOOST_AUTO_TEST_CASE(every_line_that_comes_or_goes_is_shown_with_those_around_it) {
  BOOST_TEST(test::must(render_policy_changes(content, files)) ==
             "What changes, against policy version 3 (-: in force, +: would be):\n"
             "  policy.toml:\n"
             "      ...\n"
             "          6  key_6 = 6\n"
             "          7  key_7 = 7\n"
             "          8  key_8 = 8\n"
             "    -     9  key_9 = 9\n"
             "    +     9  key_9 = 0\n"
             "         10  key_10 = 10\n"
             "         11  key_11 = 11\n"
             "         12  key_12 = 12\n"
             "  profiles/b.toml, which goes:\n"
             "    -     1  b\n"
             "  profiles/c.toml, a new file:\n"
             "    +     1  c\n");
}

BOOST_AUTO_TEST_CASE(what_is_not_what_would_be_agreed_to_is_refused) {
  const std::pair<const char*, Json> lies[] = {{"/0/text", before},                // another text
                                               {"/0/sha256", hash(before)},        // another hash with it
                                               {"/0/before", after},               // nothing would change
                                               {"/0/before_sha256", hash(after)},  // the same, with its hash
                                               {"/1/before_sha256", hash("x\n")},  // another policy in force
                                               {"/2/sha256", hash("b\n")},         // what goes would stay
                                               {"/3/name", "profiles/d.toml"},     // another file
                                               {"/3/name", "profiles/a.toml"},     // one twice, one not at all
                                               {"/3", {{"name", "profiles/d.toml"}}}};
  for (const auto& [place, value] : lies) {
    const Json honest = files;
    files[Json::json_pointer(place)] = value;
    BOOST_TEST(refused(), place << " " << value);
    files = honest;
  }
  BOOST_TEST(!refused());
  files.erase(3);  // a new file that is not shown
  BOOST_TEST(refused());
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_not_passed_over) {
  files[0].erase("text");
  BOOST_TEST(test::must(render_policy_changes(content, files)).find("not kept with the request. Do not agree") !=
             std::string::npos);
  BOOST_TEST(test::must(render_policy_changes(content, Json())).find("does not say. Do not agree") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(without_what_is_in_force_the_new_text_is_shown_whole) {
  files[0].erase("before");
  const std::string text = test::must(render_policy_changes(content, files));
  BOOST_TEST(text.find("hubseal policy show 3 --file policy.toml") != std::string::npos);
  for (int line = 1; line <= 20; ++line)
    BOOST_TEST(text.find(fmt::format("    + {:>5}  key_{} = ", line, line)) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_text_can_neither_steer_the_terminal_nor_look_like_a_heading) {
  const std::string text = "\x1b[2J\r  profiles/z.toml:";
  files[3]["text"] = text;
  files[3]["sha256"] = hash(text);
  content["files"]["profiles/c.toml"] = hash(text);
  const std::string shown = test::must(render_policy_changes(content, files));
  BOOST_TEST(shown.find("    +     1  \\u{1b}[2J\\u{d}  profiles/z.toml:\n             (no line feed at the end)\n") !=
             std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
