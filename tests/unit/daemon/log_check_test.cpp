// The records that the last checkpoint vouches for are read at a start, and beside the work where they are many.
#include <dirent.h>
#include <dlfcn.h>
#include <sys/resource.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <thread>

#include <fmt/ranges.h>
#include <boost/test/unit_test.hpp>

#include "common/audit/log_files.h"
#include "tests/support/replace_in.h"
#include "tests/support/until.h"
#include "tests/unit/daemon/checkpoints_room.h"

using namespace hubseal;
using namespace hubseal::daemon;
using test::must;
using test::checkpoints::Room;

namespace {

std::atomic<bool> disk_fails = false;  // once, at the second file of a folder
std::atomic<int> files_seen = 0;
std::function<void()> while_reading;  // happens when a folder is read next
const Checkpoints::Settings kReadLater{.witnesses = {}, .check_at_start = std::chrono::milliseconds(0)};

void fail_disk() {
  files_seen = 0;
  disk_fails = true;
}

}  // namespace

// For all of this program: a disk that fails in the middle of a folder, for which the library throws, and one that is
// slow.
extern "C" dirent* readdir(DIR* folder) {
  static auto* const real = reinterpret_cast<dirent* (*)(DIR*)>(::dlsym(RTLD_NEXT, "readdir"));
  if (while_reading) std::exchange(while_reading, nullptr)();
  dirent* const entry = real(folder);
  if (!disk_fails || !entry || entry->d_name[0] == '.' || ++files_seen < 2) return entry;
  disk_fails = false;
  errno = EIO;
  return nullptr;
}

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

// Whoever can make the check throw must not gain by it.
BOOST_AUTO_TEST_CASE(a_check_that_throws_stops_signing_at_once_and_is_made_again) {
  file_bytes = 1;
  open();
  record(5);
  must(checkpoints->make());
  open({.witnesses = {}, .check_at_start = std::chrono::milliseconds(0)});
  record(1);
  fail_disk();
  BOOST_CHECK_NO_THROW(checkpoints->tick());
  BOOST_TEST(reason().find("the records of the audit log could not be checked") != std::string::npos, reason());
  BOOST_TEST(reason().find("Input/output error") != std::string::npos, reason());
  for (int n = 0; n < 20; ++n) checkpoints->tick();
  BOOST_TEST(reason().empty(), reason());
}

// Nor by making the next one fail in another way.
BOOST_AUTO_TEST_CASE(after_a_check_that_threw_one_that_cannot_read_does_not_let_signing_go_on) {
  file_bytes = 1;
  open();
  record(5);
  must(checkpoints->make());
  open(kReadLater);
  record(1);
  fail_disk();
  checkpoints->tick();
  BOOST_REQUIRE(!reason().empty());
  const auto first = folder.path() / "audit-000000000001.jsonl", away = registry_folder / "away";
  std::filesystem::rename(first, away);
  std::filesystem::create_directory(first);
  checkpoints->tick();
  BOOST_TEST(!reason().empty());
  std::filesystem::remove(first);
  std::filesystem::rename(away, first);
  for (int n = 0; n < 20; ++n) checkpoints->tick();
  BOOST_TEST(reason().empty(), reason());
}

// Nobody has changed anything.
BOOST_AUTO_TEST_CASE(files_that_cannot_be_opened_just_now_are_no_log_that_was_changed) {
  record(5);
  must(checkpoints->make());
  open(kReadLater);
  rlimit before{};
  BOOST_REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  checkpoints->tick();
  const auto files = audit::log_files(folder.path());
  const auto lines = audit::read_lines(folder.path() / "audit.jsonl", [](auto...) { return Result<bool>(true); });
  BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  BOOST_TEST((files.error().code == Code::storage_unavailable));
  BOOST_TEST((lines.error().code == Code::storage_unavailable));
  BOOST_TEST(reason().empty(), reason());
  must(checkpoints->may_change());
  checkpoints->tick();
  BOOST_TEST(reason().empty(), reason());
}

// The token takes its time, as any may.
BOOST_AUTO_TEST_CASE(a_log_that_is_found_changed_during_the_signature_of_a_checkpoint_gets_none) {
  file_bytes = 1;
  open();
  record(9);
  must(checkpoints->make());
  const auto before = must(checkpoints->latest()).checkpoint.size;
  open(kReadLater);
  const auto third = folder.path() / "audit-000000000003.jsonl";
  test::must_replace_in(third, "\"n\":", "\"n\":1");
  for (std::uint64_t read = 1; read < before; ++read) checkpoints->tick();
  record(1);
  std::promise<void> signing;
  bool was_closed = false;
  token.signing = [&] {
    signing.set_value();
    was_closed = test::until([&] { return gate->is_closed("audit log"); });
  };
  std::thread other;
  Result<> made;
  while_reading = [&] {  // the last file, after which there is a verdict
    other = std::thread([&] { made = checkpoints->make(); });
    signing.get_future().wait_for(std::chrono::minutes(1));
  };
  checkpoints->tick();
  other.join();
  BOOST_TEST(was_closed);
  BOOST_TEST(!made.has_value());
  BOOST_TEST(must(checkpoints->latest()).checkpoint.size == before);
  BOOST_TEST(reason().find("was changed") != std::string::npos, reason());
}

// What cannot come back says before when signing ends.
BOOST_AUTO_TEST_CASE(a_record_without_a_checkpoint_ends_signing_in_time_whatever_the_check_does) {
  record(5);
  must(checkpoints->make());
  open({.period = std::chrono::seconds(0), .witnesses = {}, .check_at_start = std::chrono::milliseconds(0)});
  record(1);
  token.gone = true;
  fail_disk();
  BOOST_CHECK_NO_THROW(checkpoints->tick());
  const auto reasons = gate->reasons();
  BOOST_TEST(reasons.size() == 2U);
  BOOST_TEST(fmt::format("{}", fmt::join(reasons, "; ")).find("too old") != std::string::npos);
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
