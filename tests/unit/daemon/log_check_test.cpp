// The records that the last checkpoint vouches for are read at a start, and beside the work where they are many.
#include <filesystem>
#include <fstream>

#include <boost/test/unit_test.hpp>

#include "tests/support/replace_in.h"
#include "tests/unit/daemon/checkpoints_room.h"

using namespace hubseal;
using namespace hubseal::daemon;
using test::must;
using test::checkpoints::Room;

BOOST_FIXTURE_TEST_SUITE(log_check, Room)

// The stored hashes agree with the checkpoint all the while.
BOOST_AUTO_TEST_CASE(a_record_that_was_changed_in_a_file_put_away_is_noticed_at_the_start) {
  file_bytes = 1;
  open();
  record(9);
  must(checkpoints->make());
  open();
  BOOST_TEST(reason().empty(), reason());
  close();
  const auto third = folder.path() / "audit-000000000003.jsonl";
  test::must_replace_in(third, "\"n\":", "\"n\":1");
  open();
  BOOST_TEST(reason().find("was changed") != std::string::npos, reason());
  BOOST_TEST(!checkpoints->make().has_value());
  close();
  test::must_replace_in(third, "\"n\":1", "\"n\":");
  open();
  BOOST_TEST(reason().empty(), reason());
  close();
  std::filesystem::remove(third);
  open();
  BOOST_TEST(reason().find("record 3 is missing") != std::string::npos, reason());
}

BOOST_AUTO_TEST_CASE(a_file_of_the_log_that_leads_nowhere_is_a_record_that_is_gone) {
  file_bytes = 1;
  open();
  record(5);
  must(checkpoints->make());
  close();
  const auto third = folder.path() / "audit-000000000003.jsonl";
  std::filesystem::remove(third);
  std::filesystem::create_symlink("/nonexistent", third);
  open();
  BOOST_TEST(reason().find("audit-000000000003.jsonl") != std::string::npos, reason());
}

BOOST_AUTO_TEST_CASE(a_large_log_is_read_while_hubseald_works) {
  file_bytes = 1;
  open();
  record(9);
  must(checkpoints->make());
  close();
  test::must_replace_in(folder.path() / "audit-000000000003.jsonl", "\"n\":", "\"n\":1");
  const Checkpoints::Settings later{.witnesses = {}, .check_at_start = std::chrono::milliseconds(0)};
  open(later);
  BOOST_TEST(reason().empty(), reason());
  for (int n = 0; n < 20; ++n) checkpoints->tick();
  BOOST_TEST(reason().find("was changed") != std::string::npos, reason());
  close();
  test::must_replace_in(folder.path() / "audit-000000000003.jsonl", "\"n\":1", "\"n\":");
  open(later);
  record(3);  // files are put away meanwhile
  for (int n = 0; n < 20; ++n) checkpoints->tick();
  BOOST_TEST(reason().empty(), reason());
}

BOOST_AUTO_TEST_CASE(stored_hashes_at_fault_are_made_anew_and_stop_nothing) {
  record(9);
  must(checkpoints->make());
  close();
  {
    std::fstream hashes(folder.path() / "tree.hashes", std::ios::in | std::ios::out);
    hashes << "xxxx";
  }
  open();
  BOOST_TEST(reason().empty());
  BOOST_TEST(!verdict().fault.has_value());
}

BOOST_AUTO_TEST_SUITE_END()
