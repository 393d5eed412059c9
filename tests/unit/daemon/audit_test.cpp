#include "daemon/audit.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "common/audit/log_files.h"
#include "common/audit/record_reader.h"
#include "common/key_types.h"
#include "tests/support/must.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;
using daemon::AuditLog;

namespace {

/// The next fsync of a folder fails, as on a disk that is at fault.
std::atomic<bool> folder_sync_fails{false};

bool is_folder(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace

// In place of the C library's, for this whole program.
extern "C" int fsync(int fd) {
  if (is_folder(fd) && folder_sync_fails.exchange(false)) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_fsync, fd));
}

namespace {

/// This process can open so many files more while it lives.
class FewFiles {
 public:
  explicit FewFiles(int more) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::dup(0);  // the lowest number that is free
    ::close(next);
    const rlimit few{static_cast<rlim_t>(next + more), before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewFiles() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  FewFiles(const FewFiles&) = delete;
  FewFiles& operator=(const FewFiles&) = delete;

 private:
  rlimit before_{};
};

struct Fixture {
  test::TempDir folder;
  SystemClock clock;
  std::filesystem::path file = folder.path() / "audit.jsonl";

  std::unique_ptr<AuditLog> open() { return AuditLog::open(folder.path(), clock).value(); }

  std::vector<std::string> lines() const {
    std::ifstream in(file);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }

  static std::string root(const AuditLog& log) { return to_hex(log.tree().root()); }
  /// As a stranger finds it who has the files only.
  std::string root_of_files() const {
    audit::RecordReader records;
    audit::Tree tree;
    for (const audit::LogFile& part : test::must(audit::log_files(folder.path()))) {
      if (part.first != 0) BOOST_TEST(part.first == records.next());
      test::must(audit::read_lines(part.path, [&](std::string_view line, bool complete) -> Result<bool> {
        if (test::must(records.take(line, complete))) tree.append(audit::leaf_hash(as_bytes(line)));
        return true;
      }));
    }
    return to_hex(tree.root());
  }

  void append_raw(std::string_view text) const { std::ofstream(file, std::ios::app) << text; }
};

/// Files of this process cannot grow beyond `bytes` while it lives: a disk that is full.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(audit_log, Fixture)

BOOST_AUTO_TEST_CASE(records_are_numbered_without_a_gap_across_restarts) {
  test::must(open()->record(Json{{"event", "one"}}));
  const auto log = open();
  BOOST_TEST(log->records() == 1);
  test::must(log->record(Json{{"event", "two"}}));
  const auto written = lines();
  BOOST_REQUIRE(written.size() == 2);
  BOOST_TEST(Json::parse(written[0]).at("seq") == 1);
  BOOST_TEST(Json::parse(written[1]).at("seq") == 2);
  BOOST_TEST(Json::parse(written[1]).at("event") == "two");
}

BOOST_AUTO_TEST_CASE(a_record_that_lacks_only_its_line_feed_keeps_its_number) {
  test::must(open()->record(Json{{"event", "one"}}));
  append_raw(R"({"seq":2,"time":"2026-11-24T09:00:00Z","event":"two"})");
  const auto log = open();
  BOOST_TEST(log->records() == 2);
  test::must(log->record(Json{{"event", "three"}}));
  const auto written = lines();
  BOOST_REQUIRE(written.size() == 3);
  BOOST_TEST(Json::parse(written[1]).at("event") == "two");
  BOOST_TEST(Json::parse(written[2]).at("seq") == 3);
}

BOOST_AUTO_TEST_CASE(the_first_record_of_the_next_file_keeps_its_number_as_well) {
  {
    const auto log = AuditLog::open(folder.path(), clock, 1).value();
    test::must(log->record(Json{{"event", "one"}}));
    test::must(log->record(Json{{"event", "two"}}));
  }
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
  {
    const auto log = open();
    BOOST_TEST(log->records() == 2U);
    test::must(log->record(Json{{"event", "three"}}));
    BOOST_TEST(root_of_files() == root(*log));
  }
  std::filesystem::remove(folder.path() / "tree.hashes");
  BOOST_TEST(open()->records() == 3U);
}

BOOST_AUTO_TEST_CASE(concurrent_writers_share_the_log_and_each_record_is_there_once) {
  const auto log = open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) (void)log->record(Json{{"event", "e"}, {"writer", t}, {"n", i}});
    });
  for (auto& thread : threads) thread.join();
  const auto written = lines();
  BOOST_REQUIRE(written.size() == 400);
  std::map<int, int> next;
  for (std::size_t i = 0; i < written.size(); ++i) {
    const Json record = Json::parse(written[i]);
    BOOST_TEST(record.at("seq") == i + 1);
    BOOST_TEST(record.at("n") == next[record.at("writer").get<int>()]++);
  }
}

BOOST_AUTO_TEST_CASE(a_torn_last_record_is_sealed_and_stays_where_it_is) {
  test::must(open()->record(Json{{"event", "one"}}));
  append_raw(R"({"seq":2,"time":"2026)");
  const auto log = open();
  const auto written = lines();
  BOOST_REQUIRE(written.size() == 3);
  BOOST_TEST(written[1] == R"({"seq":2,"time":"2026)");
  const Json seal = Json::parse(written[2]);
  BOOST_TEST(seal.at("event") == "torn_record_sealed");
  BOOST_TEST(seal.at("seq") == 2);
  BOOST_TEST(seal.at("bytes") == written[1].size() + 1);
  BOOST_TEST(seal.at("sha256") == to_hex(sha256(as_bytes(written[1] + "\n"))));
  BOOST_TEST(root_of_files() == root(*log));
}

BOOST_AUTO_TEST_CASE(the_tree_has_each_record_as_a_leaf_and_is_the_same_after_a_restart) {
  auto log = open();
  for (int n = 0; n < 11; ++n) test::must(log->record(Json{{"event", "e"}, {"n", n}}));
  const std::string before = root(*log);
  BOOST_TEST(root_of_files() == before);
  log.reset();
  BOOST_TEST(root(*open()) == before);
}

BOOST_AUTO_TEST_CASE(hashes_that_are_lost_short_or_wrong_are_made_anew_from_the_records) {
  auto log = open();
  for (int n = 0; n < 11; ++n) test::must(log->record(Json{{"event", "e"}, {"n", n}}));
  const std::string before = root(*log);
  const auto hashes = folder.path() / "tree.hashes";
  log.reset();
  std::filesystem::remove(hashes);
  BOOST_TEST(root(*open()) == before);
  std::filesystem::resize_file(hashes, 45);
  BOOST_TEST(root(*open()) == before);
  std::ofstream(hashes) << std::string(640, 'x');
  BOOST_TEST(root(*open()) == before);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_full_is_put_away_under_the_number_of_its_first_record) {
  auto log = AuditLog::open(folder.path(), clock, 300).value();
  for (int n = 1; n <= 20; ++n) {
    test::must(log->record(Json{{"event", "e"}, {"n", n}}));
    if (n % 6 == 0) {  // a restart in every state of a file
      log.reset();
      log = AuditLog::open(folder.path(), clock, 300).value();
      BOOST_TEST(log->records() == static_cast<std::uint64_t>(n));
    }
  }
  const auto files = audit::log_files(folder.path()).value();
  BOOST_TEST(files.size() >= 4U);
  BOOST_TEST(files.front().path.filename() == "audit-000000000001.jsonl");
  BOOST_TEST(files.back().path.filename() == "audit.jsonl");
  BOOST_TEST(root_of_files() == root(*log));  // no gap, nothing twice
  std::filesystem::remove(folder.path() / "tree.hashes");
  const std::string before = root(*log);
  log.reset();
  BOOST_TEST(root(*AuditLog::open(folder.path(), clock, 300).value()) == before);
}

BOOST_AUTO_TEST_CASE(any_record_is_found_whatever_file_it_is_in_and_however_far) {
  constexpr std::uint64_t kRecords = 9000;
  const auto log = AuditLog::open(folder.path(), clock, 700'000).value();  // two files and a half
  for (std::uint64_t n = 1; n <= kRecords; n += 100) {
    std::vector<std::unique_ptr<AuditLog::Pending>> batch;
    for (std::uint64_t i = n; i < n + 100; ++i)
      batch.push_back(log->begin(Json{{"event", "e"}, {"n", i}, {"text", std::string(i % 300, 'x')}}));
    for (const auto& pending : batch) test::must(pending->wait());
  }
  BOOST_TEST(test::must(audit::log_files(folder.path())).size() == 3U);
  for (const std::uint64_t first : {1UL, 2UL, 99UL, 2999UL, 3000UL, 4500UL, 6001UL, 8998UL, kRecords}) {
    const auto records = test::must(audit::read_records(folder.path(), first, 3, 1 << 20));
    BOOST_TEST(records.size() == std::min<std::uint64_t>(3, kRecords - first + 1));
    for (std::size_t i = 0; i < records.size(); ++i) BOOST_TEST(audit::sequence_of(records[i]).value() == first + i);
  }
  BOOST_TEST(test::must(audit::read_records(folder.path(), kRecords + 1, 3, 1 << 20)).empty());
  BOOST_TEST(test::must(audit::read_records(folder.path(), 1, 500, 2000)).size() < 30U);  // bytes count as well
  BOOST_TEST(test::must(audit::read_records(folder.path(), 1, 3, 1)).size() == 1U);
}

// A crash between the two renames of a rotation: the full file is put away, and no other is there.
BOOST_AUTO_TEST_CASE(a_crash_while_a_file_is_put_away_leaves_no_gap) {
  test::must(open()->record(Json{{"event", "one"}}));
  std::filesystem::rename(file, folder.path() / "audit-000000000001.jsonl");
  std::ofstream(folder.path() / "audit.next") << "";
  const auto log = AuditLog::open(folder.path(), clock, 1).value();
  BOOST_TEST(log->records() == 1U);
  test::must(log->record(Json{{"event", "two"}}));
  test::must(log->record(Json{{"event", "three"}}));
  BOOST_TEST(root_of_files() == root(*log));
}

BOOST_AUTO_TEST_CASE(without_a_descriptor_for_the_folder_a_full_file_stays_where_it_is) {
  const auto log = AuditLog::open(folder.path(), clock, 1).value();
  test::must(log->record(Json{{"event", "one"}}));
  for (const int more : {0, 1}) {
    const FewFiles few(more);
    BOOST_TEST((log->record(Json{{"event", "refused"}}).error().code == Code::storage_unavailable));
  }
  test::must(log->record(Json{{"event", "two"}}));
  test::must(log->record(Json{{"event", "three"}}));
  BOOST_TEST(log->records() == 3U);
  BOOST_TEST(root_of_files() == root(*log));
}

// A second try would put the empty next file away in place of the full one.
BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_synced_closes_the_log_and_costs_no_record) {
  auto log = AuditLog::open(folder.path(), clock, 1).value();
  test::must(log->record(Json{{"event", "one"}}));
  folder_sync_fails = true;
  for (int n = 0; n < 3; ++n)
    BOOST_TEST((log->record(Json{{"event", "refused"}}).error().code == Code::storage_unavailable));
  BOOST_TEST(!log->writable());
  log.reset();
  log = AuditLog::open(folder.path(), clock, 1).value();
  BOOST_TEST(log->records() == 1U);
  test::must(log->record(Json{{"event", "two"}}));
  test::must(log->record(Json{{"event", "three"}}));
  BOOST_TEST(root_of_files() == root(*log));
}

BOOST_AUTO_TEST_CASE(a_full_file_never_takes_the_place_of_another) {
  const auto log = AuditLog::open(folder.path(), clock, 1).value();
  test::must(log->record(Json{{"event", "one"}}));
  const auto taken = folder.path() / audit::rotated_name(1);
  std::ofstream(taken) << "evidence\n";
  BOOST_TEST(!log->record(Json{{"event", "two"}}).has_value());
  BOOST_TEST(std::filesystem::file_size(taken) == 9U);
  std::filesystem::remove(taken);
  test::must(log->record(Json{{"event", "two"}}));
  BOOST_TEST(root_of_files() == root(*log));
}

BOOST_AUTO_TEST_CASE(a_log_of_which_a_file_is_missing_is_not_gone_on_with) {
  auto log = AuditLog::open(folder.path(), clock, 100).value();
  for (int n = 1; n <= 9; ++n) test::must(log->record(Json{{"event", "e"}, {"n", n}}));
  log.reset();
  std::filesystem::remove(audit::log_files(folder.path()).value().front().path);
  std::filesystem::remove(folder.path() / "tree.hashes");
  const auto refused = AuditLog::open(folder.path(), clock, 100);
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.error().message.find("record 1 is missing") != std::string::npos, refused.error().message);
}

BOOST_AUTO_TEST_CASE(a_crash_while_sealing_is_survived_as_well) {
  test::must(open()->record(Json{{"event", "one"}}));
  append_raw("{\"seq\":2,\n");  // torn, its line feed written, the record about it not
  const auto log = open();
  BOOST_TEST(log->records() == 2);  // the one that names it, which had not been written
  test::must(log->record(Json{{"event", "two"}}));
  BOOST_TEST(Json::parse(lines().back()).at("seq") == 3);
  BOOST_TEST(root_of_files() == root(*log));
}

BOOST_AUTO_TEST_CASE(a_full_disk_refuses_the_record_and_leaves_the_log_whole) {
  const auto log = open();
  test::must(log->record(Json{{"event", "before"}}));
  const auto size = std::filesystem::file_size(file);
  {
    const FullDisk full(size + 10);
    const auto refused = log->record(Json{{"event", "lost"}});
    BOOST_REQUIRE(!refused.has_value());
    BOOST_TEST((refused.error().code == Code::storage_unavailable));
    BOOST_TEST(!log->writable());
    BOOST_TEST(std::filesystem::file_size(file) == size);
  }
  test::must(log->record(Json{{"event", "after"}}));
  BOOST_TEST(log->writable());
  BOOST_TEST(Json::parse(lines().back()).at("seq") == 2);
}

BOOST_AUTO_TEST_CASE(a_second_daemon_on_the_same_log_is_refused) {
  const auto log = open();
  const auto second = AuditLog::open(folder.path(), clock);
  BOOST_REQUIRE(!second.has_value());
  BOOST_TEST(second.error().message.find("another hubseald") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_log_whose_end_is_not_ours_is_not_written_over) {
  append_raw(std::string(3 << 20, 'x'));
  BOOST_TEST(!AuditLog::open(folder.path(), clock).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
