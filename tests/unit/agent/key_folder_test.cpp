#include "agent/publish/key_folder.h"

#include <sys/stat.h>

#include <filesystem>

#include <boost/test/unit_test.hpp>

#include "tests/support/must.h"
#include "tests/unit/agent/agent_support.h"

using namespace hubseal;
using namespace hubseal::agent::publish;
using namespace hubseal::agent::test;
using hubseal::test::must;

namespace {

namespace fs = std::filesystem;

struct Place {
  fs::path path() const { return folder.path(); }
  std::string text(const char* name) const { return slurp(folder / name); }
  bool has(const char* name) const { return fs::exists(folder / name); }
  std::string why() const {
    const auto opened = KeyFolder::open(path());
    return opened ? "it is opened" : opened.error().message;
  }

  TempFolder folder;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(key_folder, Place)

BOOST_AUTO_TEST_CASE(it_holds_what_it_is_given_and_counts_what_it_changes) {
  const KeyFolder keys = must(KeyFolder::open(path()));
  auto changes = must(keys.hold({{"bank1", "one"}, {"bank.pem", "two"}}));
  BOOST_TEST((changes.written == 2U && changes.removed == 0U));
  BOOST_TEST(text("bank1.pem") == "one");
  BOOST_TEST(text("bank.pem.pem") == "two");
  changes = must(keys.hold({{"bank1", "one"}, {"bank.pem", "other"}}));
  BOOST_TEST((changes.written == 1U && changes.removed == 0U));
  changes = must(keys.hold({{"bank.pem", "other"}}));
  BOOST_TEST((changes.written == 0U && changes.removed == 1U));
  BOOST_TEST(!has("bank1.pem"));
  struct stat info {};
  BOOST_REQUIRE(::stat((folder / "bank.pem.pem").c_str(), &info) == 0);
  BOOST_TEST((info.st_mode & 0777) == 0640U);
}

BOOST_AUTO_TEST_CASE(an_id_that_is_no_name_becomes_no_file) {
  const KeyFolder keys = must(KeyFolder::open(path()));
  for (const char* id : {"", "..", "../bank", "a/b", ".hidden", "a\n"})
    BOOST_TEST((keys.hold({{id, "x"}}).error().code == Code::internal), id);
}

BOOST_AUTO_TEST_CASE(a_link_and_what_others_could_have_written_are_replaced_and_what_a_link_leads_to_is_not_touched) {
  const KeyFolder keys = must(KeyFolder::open(path()));
  const TempFolder elsewhere;
  spill(elsewhere / "target", "x");
  fs::create_symlink(elsewhere / "target", folder / "bank.pem");
  fs::create_symlink(elsewhere / "target", folder / "gone.pem");
  must(keys.hold({{"bank", "x"}}));
  BOOST_TEST(!fs::is_symlink(folder / "bank.pem"));
  BOOST_TEST(!has("gone.pem"));
  BOOST_TEST(slurp(elsewhere / "target") == "x");
  fs::permissions(folder / "bank.pem", fs::perms::all);
  must(keys.hold({{"bank", "x"}}));
  BOOST_TEST(((fs::status(folder / "bank.pem").permissions() & fs::perms::others_all) == fs::perms::none));
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_one_file_keeps_no_other_from_being_written_or_removed) {
  const KeyFolder keys = must(KeyFolder::open(path()));
  must(keys.hold({{"old", "x"}}));
  fs::create_directories(folder / "a.pem/in");
  BOOST_TEST((keys.hold({{"a", "x"}, {"b", "x"}}).error().code == Code::storage_unavailable));
  BOOST_TEST(has("b.pem"));
  BOOST_TEST(!has("old.pem"));
}

BOOST_AUTO_TEST_CASE(a_folder_with_keys_is_opened_only_where_an_agent_was_before) {
  spill(folder / "mine.pem", "mine");
  BOOST_TEST(why().ends_with("wanted a folder of its own for the keys that are published"));
  BOOST_TEST(has("mine.pem"));
  fs::remove(folder / "mine.pem");
  BOOST_TEST(why() == "it is opened");
  spill(folder / "mine.pem", "mine");
  BOOST_TEST(why() == "it is opened");
}

BOOST_AUTO_TEST_SUITE_END()
