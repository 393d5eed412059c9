#include "common/toml.h"

#include <sys/stat.h>

#include <fstream>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/must.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;

namespace {

Result<Json> read(std::string_view text) {
  const test::TempDir folder;
  const auto path = folder / "x.toml";
  std::ofstream(path) << text;
  ::chmod(path.c_str(), 0600);
  return read_toml(path, Trust::config);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(toml)

BOOST_AUTO_TEST_CASE(tables_lists_and_values_come_as_json) {
  const Json json = test::must(read("[a]\nb = \"c\"\nn = 5\nf = true\n[[p]]\nx = [1, 2]\n[[p]]\n"));
  BOOST_TEST(json["a"]["b"] == "c");
  BOOST_TEST(json["a"]["n"] == 5);
  BOOST_TEST(json["a"]["f"] == true);
  BOOST_TEST(json["p"].size() == 2U);
  BOOST_TEST(json["p"][0]["x"][1] == 2);
}

BOOST_AUTO_TEST_CASE(a_mistake_is_named_by_line) {
  for (const char* bad :
       {"\n\na = \n", "\n\na = 1\na = 2\n", "\n\n[a\n", "\n\n[,a]\n", "\n\na = 2x\u0290\n", "\n\n\u00e4 = 1\n"}) {
    const auto refused = read(bad);
    BOOST_REQUIRE(!refused.has_value());
    BOOST_TEST((refused.error().code == Code::bad_request));
    BOOST_TEST(refused.error().message.find("x.toml:") != std::string::npos, refused.error().message);
  }
}

BOOST_AUTO_TEST_CASE(dates_and_fractions_are_refused) {
  BOOST_TEST(read("a = 1.5").error().message.find("fraction") != std::string::npos);
  BOOST_TEST(!read("a = 2026-11-24").has_value());
}

BOOST_AUTO_TEST_CASE(a_file_over_the_cap_is_refused) {
  BOOST_TEST((read("#" + std::string(300 * 1024, 'x')).error().code == Code::too_large));
}

BOOST_AUTO_TEST_SUITE_END()
