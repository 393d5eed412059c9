#include "common/files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include <boost/test/unit_test.hpp>

#include "tests/support/must.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;
using hubseal::test::must;

namespace {

struct Folder {
  test::TempDir folder;

  std::filesystem::path make(const std::string& name, std::string_view content, mode_t mode) const {
    const auto path = folder / name;
    std::ofstream(path) << content;
    ::chmod(path.c_str(), mode);
    return path;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(files, Folder)

BOOST_AUTO_TEST_CASE(a_configuration_file_that_others_can_write_is_refused_with_the_cure) {
  BOOST_TEST(must(read_file(make("good", "x", 0644), 10, Trust::config)) == "x");
  for (const mode_t mode : std::initializer_list<mode_t>{0664, 0646, 0666}) {
    const auto refused = read_file(make("bad", "x", mode), 10, Trust::config);
    BOOST_REQUIRE(!refused.has_value());
    BOOST_TEST(refused.error().message.find("chmod go-w") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_secret_that_others_can_read_is_refused) {
  for (const mode_t mode : std::initializer_list<mode_t>{0600, 0400}) {
    BOOST_TEST(must(read_secret_file(make("pin", "1357\n", mode), 64)).size() == 4U);
    std::filesystem::remove(folder / "pin");
  }
  for (const mode_t mode : std::initializer_list<mode_t>{0640, 0604, 0644, 0610})
    BOOST_TEST(!read_secret_file(make("bad", "1357", mode), 64).has_value());
}

BOOST_AUTO_TEST_CASE(a_folder_on_the_way_that_others_can_write_is_refused) {
  std::filesystem::create_directories(folder / "open" / "closed");
  const auto file = make("open/closed/file", "x", 0600);
  BOOST_TEST(read_file(file, 10, Trust::config).has_value());
  ::chmod((folder / "open").c_str(), 0777);
  for (const Trust trust : {Trust::config, Trust::secret}) {
    const auto refused = read_file(file, 10, trust);
    BOOST_REQUIRE(!refused.has_value());
    BOOST_TEST(refused.error().message.find((folder / "open").string() + " has mode 0777") != std::string::npos);
  }
  BOOST_TEST(read_file(file, 10, Trust::any).has_value());
  BOOST_TEST(!check_trusted_path(folder / "open").has_value());
  BOOST_TEST(!check_trusted_path(folder / "open" / "closed").has_value());
}

BOOST_AUTO_TEST_CASE(a_link_is_as_good_as_where_it_stands_and_where_it_leads) {
  std::filesystem::create_directories(folder / "open");
  std::filesystem::create_directories(folder / "closed" / "real");
  std::filesystem::create_directory_symlink(folder / "closed" / "real", folder / "link");
  std::filesystem::create_directory_symlink(folder / "closed" / "real", folder / "open" / "link");
  BOOST_TEST(check_trusted_path(folder / "link").has_value());
  ::chmod((folder / "open").c_str(), 0777);
  BOOST_TEST(!check_trusted_path(folder / "open" / "link").has_value());
  ::chmod((folder / "closed").c_str(), 0777);
  BOOST_TEST(!check_trusted_path(folder / "link").has_value());
  BOOST_TEST((check_trusted_path(folder / "nothing").error().code == Code::not_found));
}

BOOST_AUTO_TEST_CASE(a_pin_is_one_line_and_its_line_feed_is_left_out) {
  BOOST_TEST(must(read_secret_line(make("a", "13 57\n", 0600), 64)).size() == 5U);
  for (const auto& [name, text] : {std::pair{"d", "1357\n2468\n"}, {"e", "1357\n\n"}, {"f", "\n1357"}}) {
    const auto refused = read_secret_line(make(name, text, 0600), 64);
    BOOST_REQUIRE(!refused.has_value());
    BOOST_TEST(refused.error().message.find("holds 2 lines; wanted one") != std::string::npos);
  }
  BOOST_TEST(!read_secret_line(make("b", "\n", 0600), 64).has_value());
  BOOST_TEST(!read_secret_line(make("c", "", 0600), 64).has_value());
}

BOOST_AUTO_TEST_CASE(links_folders_and_pipes_are_not_files) {
  make("target", "x", 0600);
  std::filesystem::create_symlink(folder / "target", folder / "link");
  BOOST_TEST(!read_file(folder / "link", 10, Trust::config).has_value());
  BOOST_TEST(must(read_file(folder / "link", 10, Trust::any)) == "x");
  BOOST_TEST(!read_file(folder.path(), 10, Trust::any).has_value());
  BOOST_REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  BOOST_TEST(!read_file(folder / "pipe", 10, Trust::any).has_value());  // and does not hang
}

BOOST_AUTO_TEST_CASE(a_file_over_the_cap_is_refused_before_it_is_read) {
  BOOST_TEST((read_file(make("big", "12345", 0600), 4, Trust::config).error().code == Code::too_large));
  BOOST_TEST((read_file(folder / "absent", 4, Trust::config).error().code == Code::not_found));
}

BOOST_AUTO_TEST_CASE(writing_replaces_the_file_as_a_whole_and_leaves_nothing_beside_it) {
  const auto path = make("f", "old content that is longer", 0644);
  struct stat before {};
  struct stat after {};
  ::stat(path.c_str(), &before);
  must(write_file(path, as_bytes("new"), 0600));
  ::stat(path.c_str(), &after);
  BOOST_TEST(must(read_file(path, 64, Trust::secret)) == "new");
  BOOST_TEST((before.st_ino != after.st_ino));  // renamed into place, never half written
  BOOST_TEST(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_replaced_stays_and_leaves_nothing_beside_it) {
  std::filesystem::create_directories(folder / "taken" / "full");
  BOOST_TEST((write_file(folder / "taken", as_bytes("x"), 0600).error().code == Code::storage_unavailable));
  BOOST_TEST(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
  BOOST_TEST((write_file(folder / "no" / "such", as_bytes("x"), 0600).error().code == Code::storage_unavailable));
}

BOOST_AUTO_TEST_CASE(a_file_is_removed_and_one_that_is_not_there_is_no_mistake) {
  const auto path = make("f", "x", 0600);
  must(remove_file(path));
  BOOST_TEST(!std::filesystem::exists(path));
  must(remove_file(path));
  std::filesystem::create_directory(folder / "sub");
  BOOST_TEST((remove_file(folder / "sub").error().code == Code::storage_unavailable));
  BOOST_TEST((remove_file(folder / "no" / "such").error().code == Code::storage_unavailable));
}

BOOST_AUTO_TEST_SUITE_END()
