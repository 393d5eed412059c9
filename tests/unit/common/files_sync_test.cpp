// In which order a file that is replaced reaches the disk: whatever crashes in between, the old or the new one is
// there.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include <fmt/format.h>
#include <boost/test/unit_test.hpp>

#include "common/files.h"
#include "tests/support/must.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;

namespace {

/// What reaches the disk while it lives, in words. One at a time.
class Steps {
 public:
  explicit Steps(std::string fails = "") : fails_(std::move(fails)) { current = this; }
  ~Steps() { current = nullptr; }
  Steps(const Steps&) = delete;
  Steps& operator=(const Steps&) = delete;

  const std::vector<std::string>& all() const { return all_; }
  /// False when it is the one that is to fail.
  bool take(const std::string& step) {
    all_.push_back(step);
    return step != fails_;
  }

  static thread_local Steps* current;

 private:
  std::vector<std::string> all_;
  std::string fails_;
};

thread_local Steps* Steps::current = nullptr;

int fail_with_eio() {
  errno = EIO;
  return -1;
}

std::string text_of(const std::filesystem::path& path) { return test::must(read_file(path, 64, Trust::any)); }

}  // namespace

// In place of the C library's, for this whole program.
extern "C" int fsync(int fd) {
  struct stat info {};
  if (Steps::current && ::fstat(fd, &info) == 0 &&
      !Steps::current->take(S_ISDIR(info.st_mode) ? "sync the folder" : fmt::format("sync {} bytes", info.st_size)))
    return fail_with_eio();
  return static_cast<int>(::syscall(SYS_fsync, fd));
}

extern "C" int rename(const char* from, const char* to) noexcept {
  if (Steps::current && !Steps::current->take("rename to " + std::filesystem::path(to).filename().string()))
    return fail_with_eio();
  return ::renameat(AT_FDCWD, from, AT_FDCWD, to);
}

BOOST_AUTO_TEST_SUITE(files_sync)

BOOST_AUTO_TEST_CASE(a_file_is_on_the_disk_before_it_takes_the_place_of_another_and_the_folder_after) {
  const test::TempDir folder;
  const Steps steps;
  test::must(write_file(folder / "f", as_bytes("new"), 0600));
  const std::vector<std::string> wanted = {"sync 3 bytes", "rename to f", "sync the folder"};
  BOOST_TEST(steps.all() == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_file_that_is_removed_stays_removed) {
  const test::TempDir folder;
  test::must(write_file(folder / "f", as_bytes("x"), 0600));
  const Steps steps;
  test::must(remove_file(folder / "f"));
  const std::vector<std::string> wanted = {"sync the folder"};
  BOOST_TEST(steps.all() == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_disk_that_fails_before_the_rename_leaves_the_old_file_and_after_it_says_so) {
  const test::TempDir folder;
  test::must(write_file(folder / "f", as_bytes("old"), 0600));
  for (const char* step : {"sync 3 bytes", "rename to f"}) {
    const Steps steps(step);
    BOOST_TEST((write_file(folder / "f", as_bytes("new"), 0600).error().code == Code::storage_unavailable), step);
    BOOST_TEST(text_of(folder / "f") == "old", step);
    BOOST_TEST(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1, step);
  }
  const Steps steps("sync the folder");
  BOOST_TEST((write_file(folder / "f", as_bytes("new"), 0600).error().code == Code::storage_unavailable));
}

BOOST_AUTO_TEST_SUITE_END()
