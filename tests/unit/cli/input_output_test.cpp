#include "cli/input_output.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "common/files.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;
using namespace hubseal::cli;

namespace {

struct Folder {
  test::TempDir folder;
  const std::filesystem::path path = folder.path();
  std::string file(const char* name) const { return (path / name).string(); }
};

std::string content(const std::string& name) { return read_file(name, 4096, Trust::any).value(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(input_output)

BOOST_FIXTURE_TEST_CASE(an_output_that_holds_something_else_is_left_alone, Folder) {
  const std::string key = file("bank.key");
  std::ofstream(key) << "precious";
  const auto refused = write_output(key, "certificate", false);
  BOOST_TEST_REQUIRE(!refused.has_value());
  BOOST_TEST((refused.error().code == Code::conflict));
  BOOST_TEST(content(key) == "precious");
}

BOOST_FIXTURE_TEST_CASE(the_same_content_again_is_fine_and_force_replaces, Folder) {
  const std::string name = file("cert.pem");
  BOOST_TEST(write_output(name, "one", false).has_value());
  BOOST_TEST(write_output(name, "one", false).has_value());
  BOOST_TEST(!write_output(name, "two", false).has_value());
  BOOST_TEST(!write_output(name, "on", false).has_value());  // a shorter text is another one
  BOOST_TEST(write_output(name, "two", true).has_value());
  BOOST_TEST(content(name) == "two");
}

BOOST_FIXTURE_TEST_CASE(a_link_that_leads_nowhere_counts_as_something_else, Folder) {
  std::filesystem::create_symlink(file("nowhere"), file("link"));
  BOOST_TEST(!write_output(file("link"), "x", false).has_value());
}

BOOST_FIXTURE_TEST_CASE(an_input_over_its_bound_is_too_large, Folder) {
  std::ofstream(file("big")) << std::string(101, 'x');
  const auto refused = read_input(file("big"), 100);
  BOOST_TEST_REQUIRE(!refused.has_value());
  BOOST_TEST((refused.error().code == Code::too_large));
  BOOST_TEST(read_input(file("big"), 101).value().size() == 101u);
}

BOOST_AUTO_TEST_SUITE_END()
