// What has returned is on the disk: the syncs of audit log and registry, and what one that fails does.
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <mutex>
#include <utility>

#include <fmt/format.h>
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "daemon/audit.h"
#include "daemon/registry/key_table.h"
#include "daemon/registry/registry.h"
#include "tests/support/ca_fixture.h"
#include "tests/support/must.h"
#include "tests/support/software_room.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;
using namespace hubseal::daemon;

namespace {

struct Disk {
  std::mutex mutex;                            // guards all
  std::map<std::string, std::int64_t> synced;  ///< name of a file: its size when it was synced last
  std::string fails;                           ///< the next sync of a file of this name fails
  std::string read_only;                       ///< a file of this name takes half a write, and then nothing any more
  bool half_written = false;
};

Disk& disk() {
  static Disk disk;
  return disk;
}

/// The disk fails once, when a file of this name is synced next.
void let_fail(const std::string& name) {
  const std::lock_guard lock(disk().mutex);
  disk().fails = name;
}

void turn_read_only(const std::string& name) {
  const std::lock_guard lock(disk().mutex);
  disk().read_only = name;
  disk().half_written = false;
}

std::string name_of(int fd) {
  std::error_code ignored;
  return std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", fd), ignored).filename().string();
}

/// How many bytes of the file of this name `work` leaves on the disk; -1 where it syncs none.
template <class Work>
std::int64_t synced_by(const std::string& name, Work work) {
  {
    const std::lock_guard lock(disk().mutex);
    disk().synced.clear();
  }
  work();
  const std::lock_guard lock(disk().mutex);
  const auto found = disk().synced.find(name);
  return found == disk().synced.end() ? -1 : found->second;
}

}  // namespace

// In place of the C library's, for this whole program.
extern "C" int fdatasync(int fd) {
  const std::string name = name_of(fd);
  struct stat info {};
  {
    const std::lock_guard lock(disk().mutex);
    if (name == disk().fails) {
      disk().fails.clear();
      errno = EIO;
      return -1;
    }
    if (::fstat(fd, &info) == 0) disk().synced[name] = info.st_size;
  }
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

extern "C" ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  {
    const std::lock_guard lock(disk().mutex);
    if (!disk().read_only.empty() && name_of(fd) == disk().read_only) {
      if (std::exchange(disk().half_written, true)) {
        errno = EROFS;
        return -1;
      }
      size /= 2;
    }
  }
  return ::syscall(SYS_pwrite64, fd, data, size, at);
}

extern "C" int ftruncate(int fd, off_t size) {
  {
    const std::lock_guard lock(disk().mutex);
    if (!disk().read_only.empty() && name_of(fd) == disk().read_only) {
      errno = EROFS;
      return -1;
    }
  }
  return static_cast<int>(::syscall(SYS_ftruncate, fd, size));
}

BOOST_AUTO_TEST_SUITE(durable)

BOOST_AUTO_TEST_CASE(a_record_is_on_the_disk_when_it_is_told) {
  const test::TempDir folder;
  const SystemClock clock;
  const auto log = test::must(AuditLog::open(folder.path(), clock));
  for (const char* event : {"one", "two"}) {
    const auto bytes = synced_by("audit.jsonl", [&] { test::must(log->record(Json{{"event", event}})); });
    BOOST_TEST(bytes == static_cast<std::int64_t>(std::filesystem::file_size(folder / "audit.jsonl")));
  }
}

BOOST_AUTO_TEST_CASE(a_sync_of_the_log_that_fails_refuses_the_record_and_closes_the_log_until_a_restart) {
  const test::TempDir folder;
  const SystemClock clock;
  auto log = test::must(AuditLog::open(folder.path(), clock));
  test::must(log->record(Json{{"event", "before"}}));
  let_fail("audit.jsonl");
  // What the disk has of it nobody knows, and a second sync would not tell: the kernel reports an error once.
  for (int n = 0; n < 3; ++n) {
    const auto refused = log->record(Json{{"event", "refused"}});
    BOOST_REQUIRE(!refused.has_value());
    BOOST_TEST((refused.error().code == Code::storage_unavailable));
  }
  BOOST_TEST(!log->writable());
  BOOST_TEST(log->records() == 1U);
  log.reset();
  log = test::must(AuditLog::open(folder.path(), clock));
  test::must(log->record(Json{{"event", "after"}}));
  BOOST_TEST(log->writable());
}

BOOST_AUTO_TEST_CASE(half_a_record_on_a_disk_that_turned_read_only_is_gone_when_the_next_one_is_written) {
  const test::TempDir folder;
  const SystemClock clock;
  auto log = test::must(AuditLog::open(folder.path(), clock));
  test::must(log->record(Json{{"event", "before"}}));
  const auto size = [&] { return std::filesystem::file_size(folder / "audit.jsonl"); };
  const auto before = size();
  turn_read_only("audit.jsonl");
  for (int n = 0; n < 3; ++n) {
    const auto refused = log->record(Json{{"event", std::string(1000, 'x')}});  // half is more than what comes next
    BOOST_REQUIRE(!refused.has_value());
    BOOST_TEST((refused.error().code == Code::storage_unavailable));
    BOOST_TEST(!log->writable());
    BOOST_TEST(size() > before);
  }
  turn_read_only("");
  test::must(log->record(Json{{"event", "after"}}));
  BOOST_TEST(log->writable());
  log.reset();
  log = test::must(AuditLog::open(folder.path(), clock));
  BOOST_TEST(log->records() == 2U);  // a third one would say what a restart had found half written
}

BOOST_AUTO_TEST_CASE(a_sync_of_the_log_that_fails_stops_signing_and_health_says_so) {
  test::SoftwareRoom room;
  room.make_keys_and_ca();
  const Peer admin = room.peer(Role::admin);
  const Json sign = {{"key", "hub-jws"}, {"payload", "e30"}};
  BOOST_TEST(room.ask(admin, "sign_jws", sign).contains("ok"));
  BOOST_TEST(room.ask(admin, "health")["ok"]["status"] == "ready");
  let_fail("audit.jsonl");
  for (int n = 0; n < 2; ++n) BOOST_TEST(room.ask(admin, "sign_jws", sign)["error"]["code"] == "storage_unavailable");
  BOOST_TEST(room.ask(admin, "health")["ok"]["status"] == "degraded");
}

BOOST_AUTO_TEST_CASE(no_certificate_is_signed_whose_intent_is_not_on_the_disk) {
  test::SoftwareRoom room;
  room.make_keys_and_ca();
  const PkeyPtr key = test::make_key(KeyType::ec_p256);
  const Json issue = {{"ca", "hub-ca"},
                      {"profile", "dfsp-client"},
                      {"subject", "bank1"},
                      {"request", "r-1"},
                      {"csr", test::make_csr(key.get())}};
  // Its entry in the register would be one more record.
  const Json entry = {
      {"subject", "bank1"}, {"organization", "Bank One"}, {"country", "KE"}, {"names", {{"cn", {"bank1"}}}}};
  BOOST_TEST(room.ask(room.peer(Role::admin), "set_subject", entry).contains("ok"));
  room.signer().take_signed();  // from here on
  let_fail("audit.jsonl");
  BOOST_TEST(room.ask(room.peer(Role::admin), "issue_certificate", issue)["error"]["code"] == "storage_unavailable");
  BOOST_TEST(room.signer().take_signed().empty());
  room.restart();
  BOOST_TEST(room.ask(room.peer(Role::admin), "issue_certificate", issue).contains("ok"));
  BOOST_TEST(!room.signer().take_signed().empty());
}

BOOST_AUTO_TEST_CASE(a_sync_of_the_registry_that_fails_refuses_what_changes_and_health_says_so_until_one_does_not) {
  test::SoftwareRoom room;
  room.make_keys_and_ca();
  const Peer admin = room.peer(Role::admin), audit = room.peer(Role::audit);
  const Json sign = {{"key", "hub-jws"}, {"payload", "e30"}};
  BOOST_TEST(room.ask(admin, "sign_jws", sign).contains("ok"));
  const Json create = {{"label", "another"}, {"type", "ec_p256"}, {"use", "jws"}};
  let_fail("registry.sqlite-wal");
  BOOST_TEST(room.ask(admin, "create_key", create)["error"]["code"] == "storage_unavailable");
  const Json told = room.ask(audit, "health")["ok"];
  BOOST_TEST(told["status"] == "degraded");
  BOOST_TEST(told["problems"] == Json({"registry cannot be written: no certificate is issued, and nothing changes"}));
  BOOST_TEST(room.ask(admin, "sign_jws", sign).contains("ok"));  // its quota was taken before
  BOOST_TEST(told["audit"]["writable"] == true);
  BOOST_TEST(room.ask(admin, "health")["ok"]["status"] == "ready");  // tried once more for who may mend it
  BOOST_TEST(room.ask(audit, "health")["ok"]["status"] == "ready");
}

BOOST_AUTO_TEST_CASE(what_the_registry_has_taken_is_on_the_disk) {
  const test::TempDir folder;
  const auto registry = test::must(Registry::open(folder.path()));
  const auto add = [&](int n) {
    KeyRecord key{.label = fmt::format("key-{}", n)};
    key.id[0] = static_cast<std::uint8_t>(n);
    test::must(registry->write([&](Database& database) { return key_table::add(database, key); }));
  };
  for (const int n : {1, 2, 3}) BOOST_TEST(synced_by("registry.sqlite-wal", [&] { add(n); }) > 0, n);
}

BOOST_AUTO_TEST_CASE(every_connection_to_the_registry_syncs_in_full) {
  const test::TempDir folder;
  auto database = test::must(Database::open(folder / "registry.sqlite"));
  Statement asked = test::must(database.prepare("PRAGMA synchronous"));
  BOOST_REQUIRE(test::must(asked.step()));
  BOOST_TEST(asked.integer(0) == 2);
}

BOOST_AUTO_TEST_SUITE_END()
